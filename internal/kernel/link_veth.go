package kernel

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// vethInfoPeer is VETH_INFO_PEER (linux/veth.h): a whole link message for the other
// end.
const vethInfoPeer = 1

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
			return bornWith(m, model.Link{Group: l.Group, MTU: l.MTU})
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
		case err != nil, r.link.Type.Value() != model.TypeVeth, newPeerFinder(h, nil).find(l.Netns, r) != elsewhere:
			return false
		}
	}
	return false
}

// elsewhere is the other end of a veth that is in no namespace we know.
var elsewhere = model.EndRef{Netns: model.UnknownNetns, Name: "?"}

// peerFinder names the other ends of veths. The kernel tells an end's index and its
// namespace's ID, which each namespace counts for itself, and hands out lazily
// (RTM_GETNSID, net/core/net_namespace.c): it is never kept.
type peerFinder struct {
	h     *Host
	names map[string]map[uint32]string // of the links in a namespace, by its name
	ids   map[string]map[int32]string  // namespaces by the ID that a namespace has for them
}

func newPeerFinder(h *Host, dumps map[string][]rawLink) *peerFinder {
	f := &peerFinder{h: h, names: map[string]map[uint32]string{}, ids: map[string]map[int32]string{}}
	for ns, l := range dumps {
		f.names[ns] = namesOf(l)
	}
	return f
}

// find names the other end of a veth in netns.
func (f *peerFinder) find(netns string, r rawLink) model.EndRef {
	peerNS, ok := netns, r.nsid != noNetns
	if r.nsid >= 0 {
		peerNS, ok = f.namespace(netns, r.nsid)
	}
	if !ok {
		return elsewhere
	}
	name, ok := f.names[peerNS][r.peer]
	if !ok {
		name, ok = f.lookUp(peerNS, r.peer)
	}
	if !ok {
		return elsewhere
	}
	return model.EndRef{Netns: peerNS, Name: name}
}

// namespace names the namespace that netns knows by the ID.
func (f *peerFinder) namespace(netns string, id int32) (string, bool) {
	known, ok := f.ids[netns]
	if !ok {
		known = map[int32]string{}
		f.ids[netns] = known
		f.ask(netns, "") // mostly it is the root that the others look at
	}
	name, ok := known[id]
	if ok {
		return name, true
	}
	for _, other := range f.h.names() {
		f.ask(netns, other)
	}
	name, ok = known[id]
	if !ok {
		known[id] = "?" // not asked for again
	}
	return name, ok && name != "?"
}

// ask learns the ID that netns has for another namespace.
func (f *peerFinder) ask(netns, other string) {
	if netns == other {
		return
	}
	from, err := f.h.space(netns)
	if err != nil {
		return
	}
	to, err := f.h.space(other)
	if err != nil {
		return
	}
	file := to.file
	if file == nil {
		if file, err = os.Open(ownNetns); err != nil {
			return
		}
		defer file.Close()
	}
	known := f.ids[netns]
	m := newMessage(unix.RTM_GETNSID, 0, make([]byte, unix.SizeofRtGenmsg)).u32(unix.NETNSA_FD, uint32(file.Fd()))
	body, err := from.conn.get(m)
	if err != nil {
		return
	}
	for typ, v := range attributes(after(body, unix.SizeofRtGenmsg)) {
		id := int32(readU32(v))
		if _, ok := known[id]; typ == unix.NETNSA_NSID && id >= 0 && !ok {
			known[id] = other // the root keeps its name, whatever else it is called
		}
	}
}

// lookUp asks for the name of one link, in a namespace that was not listed.
func (f *peerFinder) lookUp(netns string, index uint32) (string, bool) {
	s, err := f.h.space(netns)
	if err != nil {
		return "", false
	}
	name := s.linkName(index)
	return name, name != ""
}
