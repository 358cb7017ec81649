package kernel

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// vethInfoPeer is VETH_INFO_PEER (linux/veth.h): a whole link message for the other
// end.
const vethInfoPeer = 1

// oneQueue makes a device with one queue each way, which is what a veth works with in any
// case: without a word, the kernel makes one for each processor, and takes all but the first
// out of use again, for which it waits until no processor can have them in hand any more
// (veth_init_queues, drivers/net/veth.c; synchronize_net in netif_set_real_num_tx_queues,
// net/core/dev.c).
func oneQueue(m message) message {
	return m.u32(unix.IFLA_NUM_TX_QUEUES, 1).u32(unix.IFLA_NUM_RX_QUEUES, 1)
}

// vethData describes the other end, which is born inside its namespace and under
// its final name: nothing ever has to be moved or renamed.
func (h *Host) vethData(l model.Link) (func(message) message, error) {
	peer := l.Peer.Value()
	if peer == elsewhere {
		return nil, errors.New("its other end was in a network namespace that has no name any more")
	}
	target, err := h.space(peer.Netns)
	if err != nil {
		return nil, err
	}
	if target.file == nil && peer.Netns != l.Netns {
		return nil, errors.New("the first end of a veth has to be the one in the root namespace")
	}
	return func(m message) message {
		return m.nest(vethInfoPeer, func(m message) message {
			m = m.raw(ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, peer.Name)
			if peer.Netns != l.Netns {
				m = m.u32(unix.IFLA_NET_NS_FD, uint32(target.file.Fd()))
			}
			return bornWith(oneQueue(m), model.Link{Group: l.Group, MTU: l.MTU})
		})
	}, nil
}

// dyingPatience is how long a veth may take to follow the namespace of its other end:
// some milliseconds, but namespaces go one batch after the other.
const dyingPatience = 5 * time.Second

// outlived waits for a veth to go that has the name of the one that is to be made, and
// has lost its other end: the kernel removes what was in a namespace a little after the
// namespace itself (cleanup_net, net/core/net_namespace.c). It returns false where the
// name is taken for good.
func (h *Host) outlived(s *space, l model.Link) bool {
	if l.Type.Value() != model.TypeVeth || l.Peer.Value().Netns == l.Netns {
		return false
	}
	for end := time.Now().Add(dyingPatience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		r, err := s.link(l.Name)
		switch {
		case errors.Is(err, unix.ENODEV):
			return true
		case err != nil, r.link.Type.Value() != model.TypeVeth, newPeerFinder(h, nil).find(l.Netns, &r) != elsewhere:
			return false
		}
	}
	return false
}
