package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// fixtures are a host with two underlay devices and things of other people's, in the
// order in which they can be made.
func fixtures() []model.Object {
	up := model.Some(true)
	l := []model.Object{
		model.Netns{Name: "theirs"},
		wire("eth0"), wire("eth1"), farEnd("eth0"), farEnd("eth1"),
		model.Link{Name: "docker0", Type: model.Some(model.TypeBridge), Up: up},
	}
	for _, a := range []struct{ link, prefix string }{
		{"eth0", "10.0.0.11/24"}, {"eth0", "2001:db8:0::11/64"}, {"eth1", "10.0.1.11/24"}, {"eth1", "2001:db8:1::11/64"},
		{"docker0", "172.17.0.1/16"},
	} {
		l = append(l, model.Address{Link: a.link, Prefix: netip.MustParsePrefix(a.prefix)})
	}
	for _, r := range []struct{ dst, via string }{{"0.0.0.0/0", "10.0.0.1"}, {"::/0", "2001:db8:0::1"}} {
		dst := netip.MustParsePrefix(r.dst)
		l = append(l, model.Route{
			Dst: dst, Table: model.TableMain, Metric: model.Metric(dst, 0),
			Via: model.Some(netip.MustParseAddr(r.via)), Dev: model.Some("eth0"), Protocol: model.Some[uint8](16),
		})
	}
	return l
}

// wire is a device that leads out of the host, to people whose namespace nobody
// looks into.
func wire(name string) model.Link {
	return model.Link{
		Name: name, Type: model.Some(model.TypeVeth), Up: model.Some(true), Peer: model.Some(model.EndRef{Netns: "theirs", Name: name}),
	}
}

func farEnd(name string) model.Link {
	return model.Link{
		Netns: "theirs", Name: name, Type: model.Some(model.TypeVeth), Up: model.Some(true), Peer: model.Some(model.EndRef{Name: name}),
	}
}

// newHost makes a host with the fixtures, and what the kernel has by itself.
func newHost() *fake.Kernel {
	k := fake.New(identity)
	k.Put(model.Link{Name: "lo", Up: model.Some(true)}, model.Link{Name: "tunl0", Type: model.Some(model.TypeIPIP)})
	for _, o := range fixtures() {
		try(k, model.OpCreate, o)
	}
	k.Log = nil
	return k
}

// ours lists what carries our mark, in order.
func ours(k *fake.Kernel) []model.Object {
	var l []model.Object
	for e := range k.Observe(&model.State{}).All() {
		if e.Owner.Mine() {
			l = append(l, e.Object)
		}
	}
	return l
}

// drift lets somebody else change the host, once.
func (g generator) drift(k *fake.Kernel) {
	drifts := []func(*fake.Kernel){
		g.deleteOurs, g.deleteOurs, g.changeOurs, g.changeOurs, g.changeOurs, g.foreignRoute, g.foreignAddress, g.foreignPort,
		g.foreignNeighbour, g.halfMade, g.stale, g.foreignEnd,
	}
	pick(g, drifts...)(k)
}

// try does what the kernel allows.
func try(k *fake.Kernel, op model.Op, o model.Object) {
	s := model.Step{Op: op, After: o, Before: k.Objects()[o.Key()]}
	switch op {
	case model.OpCreate:
		s.Before = nil
	case model.OpDelete:
		s.Before, s.After = o, nil
	}
	_ = k.Do(context.Background(), []model.Step{s})
}

func (g generator) deleteOurs(k *fake.Kernel) {
	if l := ours(k); len(l) > 0 {
		remove(k, pick(g, l...))
	}
}

// remove deletes an object. With an address go the routes whose gateway it had put
// on the link: the kernel keeps them, but would not make them again, so that no
// roll-back could bring them back.
func remove(k *fake.Kernel, o model.Object) {
	try(k, model.OpDelete, o)
	a, ok := o.(model.Address)
	if !ok {
		return
	}
	for _, x := range ours(k) {
		if r, ok := x.(model.Route); ok && r.Netns == a.Netns && a.Prefix.Contains(r.Via.Value()) {
			try(k, model.OpDelete, r)
		}
	}
}

// changeOurs changes an attribute of an object of ours.
func (g generator) changeOurs(k *fake.Kernel) {
	l := ours(k)
	if len(l) == 0 {
		return
	}
	o := pick(g, l...)
	switch o := o.(type) {
	case model.Netns:
		o.LoUp = model.Some(false)
		try(k, model.OpUpdate, o)
	case model.Link:
		try(k, model.OpUpdate, g.changedLink(o))
	case model.Neighbour:
		o.MAC = model.Some(model.MAC{2, 9, 9, 9, 9, 9})
		try(k, model.OpUpdate, o)
	case model.FDBEntry:
		o.Dst = model.Some(netip.MustParseAddr("10.0.0.99"))
		try(k, model.OpUpdate, o)
	case model.Route:
		o.Via, o.Dev, o.OnLink = model.Some(netip.MustParseAddr("10.0.0.99")), model.Some("eth0"), model.Some(true)
		if o.Dst.Addr().Is4() {
			o.Scope = model.Some(model.ScopeGlobal)
			try(k, model.OpUpdate, o)
		}
	case model.Sysctl:
		o.Value = model.Some("2")
		try(k, model.OpUpdate, o)
	case model.Address:
		remove(k, o)
	}
}

func (g generator) changedLink(l model.Link) model.Link {
	switch g.IntN(7) {
	case 0, 1:
		l.Up = model.Some(false)
	case 2:
		l.MTU = model.Some[uint32](1300)
	case 3:
		l.MAC = model.Some(model.MAC{2, 8, 8, 8, 8, 8})
	case 4:
		l.Master = model.Some("")
	case 5:
		l.Alias = model.Some("") // as a run that died would leave it
	case 6:
		if l.Type.Value() == model.TypeVXLAN {
			break // nobody would look at what is on it any more
		}
		l.Alias, l.Group = model.Some("hands off"), model.Some[uint32](0)
	}
	return l
}

func (g generator) foreignRoute(k *fake.Kernel) {
	r := model.Route{
		Dst: pick(g, netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.42.3.0/24"), netip.MustParsePrefix("198.51.100.0/24")),
		Via: model.Some(netip.MustParseAddr("10.0.0.1")), Dev: model.Some("eth0"), Table: model.TableMain, Protocol: model.Some[uint8](4),
	}
	if g.chance(2) {
		r.Metric = 50
	}
	switch g.IntN(3) {
	case 0: // out of one of our links
		if l := linksOf(k, ""); len(l) > 0 {
			r.Dev, r.Via = model.Some(pick(g, l...).Name), model.Some(netip.Addr{})
		}
	case 1: // from one of our addresses
		for _, o := range ours(k) {
			if a, ok := o.(model.Address); ok && a.Netns == "" && a.Prefix.Addr().Is4() {
				r.Src = model.Some(a.Prefix.Addr())
			}
		}
	}
	try(k, model.OpCreate, r)
}

// linksOf lists our links in a namespace.
func linksOf(k *fake.Kernel, netns string) []model.Link {
	var l []model.Link
	for _, o := range ours(k) {
		if x, ok := o.(model.Link); ok && x.Netns == netns {
			l = append(l, x)
		}
	}
	return l
}

func (g generator) foreignAddress(k *fake.Kernel) {
	if l := linksOf(k, ""); len(l) > 0 {
		try(k, model.OpCreate, model.Address{Link: pick(g, l...).Name, Prefix: netip.MustParsePrefix(pick(g, "203.0.113.5/24", "2001:db8:5::5/64"))})
	}
}

// foreignPort puts a device of somebody else's on a bridge of ours.
func (g generator) foreignPort(k *fake.Kernel) {
	l := slices.DeleteFunc(linksOf(k, ""), func(l model.Link) bool { return l.Type.Value() != model.TypeBridge })
	if len(l) == 0 {
		return
	}
	port := wire(pick(g, "tap0", "tap1"))
	port.Master = model.Some(pick(g, l...).Name)
	try(k, model.OpCreate, port)
}

func (g generator) foreignNeighbour(k *fake.Kernel) {
	for _, l := range linksOf(k, "") {
		if l.Type.Value() == model.TypeVXLAN {
			mac := model.MAC{2, 7, 7, 7, 7, 7}
			try(k, model.OpCreate, model.Neighbour{Link: l.Name, IP: netip.MustParseAddr("10.43.0.1"), MAC: model.Some(mac)})
			try(k, model.OpCreate, model.FDBEntry{Link: l.Name, MAC: mac, Dst: model.Some(netip.MustParseAddr("10.0.0.98"))})
		}
	}
}

// foreignAbove puts a VLAN of somebody else's on a link of ours, or on one of theirs, with an
// address and a route.
func (g generator) foreignAbove(k *fake.Kernel) {
	below := model.Link{Name: "eth1"}
	if l := linksOf(k, ""); len(l) > 0 && !g.chance(4) {
		below = pick(g, l...)
	}
	above := model.Link{
		Name: "vlan7", Type: model.Some("vlan"), Up: model.Some(true),
		Lower: model.Some(model.EndRef{Name: below.Name}),
	}
	if _, there := k.Objects()[above.Key()]; there {
		return
	}
	k.Put(above)
	try(k, model.OpCreate, model.Address{Link: above.Name, Prefix: netip.MustParsePrefix("198.18.7.1/24")})
	r := model.Route{
		Dst: netip.MustParsePrefix("198.18.0.0/16"), Via: model.Some(netip.MustParseAddr("198.18.7.2")), Dev: model.Some(above.Name),
		Table: model.TableMain, Protocol: model.Some[uint8](4),
	}
	if g.chance(2) {
		r.Dst = netip.MustParsePrefix("10.42.3.0/24") // it may be wanted
	}
	try(k, model.OpCreate, r)
}

// foreignHops makes a route of somebody else's by two of the links that there are.
func (g generator) foreignHops(k *fake.Kernel) {
	l := []string{"eth0", "eth1", "docker0"}
	for _, o := range linksOf(k, "") {
		l = append(l, o.Name)
	}
	try(k, model.OpCreate, model.Route{
		Dst: netip.MustParsePrefix("100.99.0.0/16"), Table: model.TableMain, Protocol: model.Some[uint8](4), Dev: model.Some(""),
		NextHops: model.Some(fmt.Sprintf("nexthop dev %s weight 1 nexthop dev %s weight 2", pick(g, l...), pick(g, l...))),
	})
}

// asBefore checks that a host is as it was, and that nothing is told to be stuck: but a link
// that only who made it can make again is, and is gone with all that was on it.
func asBefore(t *testing.T, what string, before, after *fake.Kernel, stuck []error) {
	t.Helper()
	if above, gone := goneForGood(before, after); gone {
		if !slices.ContainsFunc(stuck, isAbout(above.Key())) {
			t.Errorf("%s: nobody is told that %s is gone for good: %v", what, above.Key(), stuck)
		}
		was := before
		before, after, stuck = before.Clone(), after.Clone(), nil
		try(before, model.OpDelete, above)
		for key := range was.Objects() {
			_, stays := before.Objects()[key]
			if o, is := after.Objects()[key]; is && !stays {
				try(after, model.OpDelete, o) // it may have been led elsewhere
			}
		}
	}
	if len(stuck) > 0 {
		t.Errorf("%s: stuck: %v", what, stuck)
	}
	if d := difference(before, after); d != "" {
		t.Errorf("%s: the host is not as it was:\n%s", what, d)
	}
}

func goneForGood(before, after *fake.Kernel) (model.Link, bool) {
	for key, o := range before.Objects() {
		l, ok := o.(model.Link)
		if _, there := after.Objects()[key]; ok && model.StandsOn(l.Type.Value()) && !there {
			return l, true
		}
	}
	return model.Link{}, false
}

func isAbout(k model.Key) func(error) bool {
	return func(err error) bool {
		var n *apply.NotUndone
		return errors.As(err, &n) && n.Key == k
	}
}

// halfMade leaves what a run that died would leave.
func (g generator) halfMade(k *fake.Kernel) {
	l := model.Link{Name: pick(g, "br0", "x0", "over0", "debris", "v0"), Type: model.Some(model.TypeBridge), Group: model.Some(model.MarkGroup)}
	if g.chance(2) {
		l.Type, l.Peer = model.Some(model.TypeVeth), model.Some(model.EndRef{Netns: pick(g, "ns0", "ns1"), Name: "eth0"})
	}
	try(k, model.OpCreate, l)
}

// stale leaves a route of ours that nobody wants.
func (g generator) stale(k *fake.Kernel) {
	try(k, model.OpCreate, model.Route{
		Dst: netip.MustParsePrefix(pick(g, "10.42.5.0/24", "10.42.6.0/24", "10.77.0.0/16")), Via: model.Some(netip.MustParseAddr("10.0.0.99")),
		Dev: model.Some("eth0"), Table: model.TableMain, Protocol: model.Some(model.MarkProtocol),
	})
}

// foreignEnd puts an end of somebody else's veth into a namespace of ours.
func (g generator) foreignEnd(k *fake.Kernel) {
	try(k, model.OpCreate, model.Link{
		Name: "vguest", Type: model.Some(model.TypeVeth), Up: model.Some(true),
		Peer: model.Some(model.EndRef{Netns: pick(g, "ns0", "ns1", "ns2"), Name: "guest"}),
	})
}
