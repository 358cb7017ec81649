package desired

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The underlay that is assumed where the host cannot be asked.
const (
	assumedDevice  = "eth0"
	assumedMTU     = 1500
	assumedPrefix4 = 24
	assumedPrefix6 = 64
)

// Assume returns the facts of a host like the file's, for looking at a topology
// from elsewhere: the underlay device is eth0 if the file names none, its MTU 1500,
// and nodes are on one link when they share a /24 or a /64.
func Assume(t *spec.Topology, node *spec.Node) model.Facts {
	f := model.Facts{
		Underlay:        map[int]model.Underlay{},
		AddressProtocol: true, Assumed: true,
	}
	device, mtu := node.Interface, t.MTU
	if device == "" {
		device = assumedDevice
	}
	if mtu == 0 {
		mtu = assumedMTU
	}
	for _, a := range node.Addresses {
		f.Underlay[model.Family(a)] = model.Underlay{Device: device, MTU: mtu, Prefix: assumedSubnet(a)}
	}
	direct := map[netip.Addr]model.Direct{}
	for _, p := range Peers(t, node) {
		if f.Underlay[model.Family(p)].Prefix.Contains(p) {
			direct[p] = model.Direct{OK: true, Reason: "assumed: it shares " + assumedSubnet(p).String()}
		} else {
			direct[p] = model.Direct{Reason: "assumed: it is in another subnet, " + assumedSubnet(p).String()}
		}
	}
	f.Direct = model.DirectsOf(direct)
	return f
}

func assumedSubnet(a netip.Addr) netip.Prefix {
	bits := assumedPrefix4
	if a.Is6() {
		bits = assumedPrefix6
	}
	p, _ := a.Prefix(bits) // the lengths fit
	return p
}
