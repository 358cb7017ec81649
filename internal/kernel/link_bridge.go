package kernel

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func (r *rawLink) parseBridge(data []byte) {
	r.link.Bridge.STP = model.Some(false)
	for typ, v := range attributes(data) {
		if typ == unix.IFLA_BR_STP_STATE {
			r.link.Bridge.STP = model.Some(readU32(v) != 0)
		}
	}
}

func bridgeData(was, b model.Bridge) func(message) message {
	stp, ok := b.STP.Get()
	if !ok || was.STP == b.STP {
		return nil
	}
	return func(m message) message { return m.u32(unix.IFLA_BR_STP_STATE, uint32(boolByte(stp))) }
}

// followsPorts says whether a bridge is taken over whose MAC may follow that of its
// ports: nobody seems to have set it, since it is the MAC of one, or there are none
// (br_stp_recalculate_bridge_id, net/bridge/br_stp_if.c). The next port would change it.
func (d linkDoor) followsPorts(was, now model.Link) (bool, error) {
	if now.Type.Value() != model.TypeBridge || was.Alias == now.Alias || now.Alias.Value() == "" || was.MAC != now.MAC {
		return false, nil
	}
	raw, err := d.h.rawLinks(context.Background(), now.Netns)
	if err != nil {
		return false, err
	}
	ports := 0
	for _, r := range raw {
		if r.link.Master.Value() != now.Name {
			continue
		}
		if ports++; r.link.MAC == now.MAC {
			return true, nil
		}
	}
	return ports == 0, nil
}
