package kernel

import (
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
