package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// fault is a way to break a host.
type fault struct {
	name string
	// steps are what breaks it, done by this process over netlink; of the sample n.
	steps func(s *scene, n int) []model.Step
	// deed is what breaks it where steps cannot say so.
	deed func(s *scene, n int) error
	// also are objects that must be right again, beside those of the steps.
	also func(s *scene, n int) []model.Key
	// gone are the kinds of objects, of those on the overlay device or of all routes
	// to peers, that go and must all come back.
	gone []model.Kind
}

// The objects that are broken.
func bridge() model.Key  { return model.LinkKey("", "br0") }
func veth() model.Key    { return model.LinkKey("", "veth-"+inner) }
func vxlan() model.Key   { return model.LinkKey("", "vxlan1") }
func end() model.Key     { return model.LinkKey(inner, "eth0") }
func forward() model.Key { return model.SysctlKey("", "net.ipv4.ip_forward") }
func home() model.Key {
	return model.AddressKey("", "br0", netip.MustParsePrefix("172.16.0.1/24"))
}
func far() model.Key {
	return model.AddressKey(inner, "eth0", netip.MustParsePrefix("172.16.0.2/24"))
}
func gateway() model.Key {
	return model.RouteKey(inner, model.TableMain, netip.MustParsePrefix("0.0.0.0/0"), 0)
}

// faults are all of them; those of a vxlan device are passed over where there is none.
func faults(backend string) []fault {
	l := append(linkFaults(), addressFaults()...)
	l = append(l, routeFaults()...)
	if backend == "vxlan" {
		l = append(l, overlayFaults()...)
	}
	return append(l,
		fault{name: "sysctl flipped (ip_forward)", deed: func(s *scene, _ int) error {
			return s.door.In("", func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0) })
		}, also: keys(forward())},
		fault{name: "namespace deleted", deed: (*scene).deleteNetns, also: keys(model.NetnsKey(inner), veth(), end(), far(), gateway())},
	)
}

func linkFaults() []fault {
	return []fault{
		{name: "bridge deleted", steps: deleted(bridge()), also: keys(bridge(), home(), veth())},
		{name: "bridge down", steps: changed(bridge(), down)},
		{name: "bridge MAC changed", steps: changed(bridge(), mac)},
		{name: "bridge MTU changed", steps: changed(bridge(), mtu)},
		{name: "port taken from its bridge", steps: changed(veth(), func(l model.Link) model.Link { l.Master = model.Some(""); return l })},
		{name: "veth deleted", steps: deleted(veth()), also: keys(veth(), end(), far(), gateway())},
		{name: "veth down", steps: changed(veth(), down)},
		{name: "veth MTU changed", steps: changed(veth(), mtu)},
		{name: "namespace's eth0 down", steps: changed(end(), down), also: keys(gateway())},
		{name: "namespace's eth0 down and up", steps: downUp(end()), also: keys(gateway())},
	}
}

func addressFaults() []fault {
	return []fault{
		{name: "bridge's only address deleted", steps: deleted(home())},
		{name: "namespace's only address deleted (its route goes with it)", steps: deleted(far()), also: keys(gateway())},
	}
}

func routeFaults() []fault {
	return []fault{
		{name: "route deleted", steps: ofPeer((*scene).route, deleted)},
		{name: "route changed", steps: func(s *scene, n int) []model.Step {
			r := s.entry(s.route(n)).(model.Route)
			other := r
			other.Via = model.Some(netip.MustParseAddr("10.130.0.1"))
			other.Dev, other.OnLink = model.Some("eth0"), model.Some(false)
			return []model.Step{{Op: model.OpUpdate, Before: r, After: other}}
		}},
		{name: "all routes to peers flushed", steps: allOf(model.KindRoute), gone: []model.Kind{model.KindRoute}},
		{name: "namespace's default route deleted", steps: deleted(gateway())},
		{name: "route of ours too many", steps: func(s *scene, n int) []model.Step {
			r := s.entry(s.route(n)).(model.Route)
			r.Dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{99, byte(n >> 8), byte(n), 0}), 24)
			return []model.Step{{Op: model.OpCreate, After: r}}
		}},
		{name: "nexthop object of a route deleted", deed: (*scene).deleteNexthop, also: func(s *scene, n int) []model.Key {
			return []model.Key{s.route(n)}
		}},
	}
}

func overlayFaults() []fault {
	return []fault{
		{name: "overlay device down and up", steps: downUp(vxlan()), gone: []model.Kind{model.KindRoute, model.KindNeighbour}},
		{name: "overlay device down", steps: changed(vxlan(), down), gone: []model.Kind{model.KindRoute, model.KindNeighbour}},
		{name: "overlay device deleted", steps: deleted(vxlan()), gone: []model.Kind{model.KindAddress, model.KindRoute, model.KindNeighbour, model.KindFDB}},
		{name: "overlay device MAC changed", steps: changed(vxlan(), mac), gone: []model.Kind{model.KindNeighbour}},
		{name: "overlay device MTU changed", steps: changed(vxlan(), mtu)},
		{name: "overlay device's only address deleted", steps: allOf(model.KindAddress), gone: []model.Kind{model.KindAddress}},
		{name: "neighbour deleted", steps: ofPeer((*scene).neighbour, deleted)},
		{name: "neighbour changed", steps: func(s *scene, n int) []model.Step {
			x := s.entry(s.neighbour(n)).(model.Neighbour)
			other := x
			other.MAC = model.Some(model.MAC{2, 0, 0, 0, 0, 2})
			return []model.Step{{Op: model.OpUpdate, Before: x, After: other}}
		}},
		{name: "all neighbours flushed", steps: allOf(model.KindNeighbour), gone: []model.Kind{model.KindNeighbour}},
		{name: "FDB entry deleted", steps: ofPeer((*scene).fdb, deleted)},
		{name: "FDB entry changed", steps: func(s *scene, n int) []model.Step {
			x := s.entry(s.fdb(n)).(model.FDBEntry)
			other := x
			other.Dst = model.Some(netip.MustParseAddr("10.130.0.1"))
			return []model.Step{{Op: model.OpUpdate, Before: x, After: other}}
		}},
		{name: "all FDB entries flushed", steps: allOf(model.KindFDB), gone: []model.Kind{model.KindFDB}},
		{name: "FDB entry too many", steps: func(s *scene, n int) []model.Step {
			x := s.entry(s.fdb(n)).(model.FDBEntry)
			x.MAC = model.MAC{2, 9, 9, 9, byte(n >> 8), byte(n)}
			return []model.Step{{Op: model.OpCreate, After: x}}
		}},
	}
}

func keys(l ...model.Key) func(*scene, int) []model.Key {
	return func(*scene, int) []model.Key { return l }
}

// deleted deletes an object.
func deleted(k model.Key) func(*scene, int) []model.Step {
	return func(s *scene, _ int) []model.Step { return []model.Step{{Op: model.OpDelete, Before: s.entry(k)}} }
}

// ofPeer does something to an object of another peer in each sample.
func ofPeer(which func(*scene, int) model.Key, what func(model.Key) func(*scene, int) []model.Step) func(*scene, int) []model.Step {
	return func(s *scene, n int) []model.Step { return what(which(s, n))(s, n) }
}

// changed changes a link.
func changed(k model.Key, how func(model.Link) model.Link) func(*scene, int) []model.Step {
	return func(s *scene, _ int) []model.Step {
		l := s.entry(k).(model.Link)
		return []model.Step{{Op: model.OpUpdate, Before: l, After: how(l)}}
	}
}

func down(l model.Link) model.Link { l.Up = model.Some(false); return l }
func mtu(l model.Link) model.Link  { l.MTU = model.Some[uint32](1300); return l }
func mac(l model.Link) model.Link  { l.MAC = model.Some(model.MAC{2, 0, 0, 0, 0, 1}); return l }

func downUp(k model.Key) func(*scene, int) []model.Step {
	return func(s *scene, n int) []model.Step {
		first := changed(k, down)(s, n)[0]
		return []model.Step{first, {Op: model.OpUpdate, Before: first.After, After: first.Before}}
	}
}

// allOf deletes all objects of a kind.
func allOf(k model.Kind) func(*scene, int) []model.Step {
	return func(s *scene, _ int) []model.Step {
		var l []model.Step
		for _, key := range s.lists[k] {
			l = append(l, model.Step{Op: model.OpDelete, Before: s.entry(key)})
		}
		return l
	}
}

// deleteNetns deletes the host's own namespace, as "ip netns delete" does. Whoever still
// has it open would keep it alive.
func (s *scene) deleteNetns(int) error {
	if _, err := s.ear.Follow([]string{""}); err != nil {
		return err
	}
	s.door.Forget(inner)
	path := filepath.Join(s.netnsDir(), inner)
	if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return os.Remove(path)
}

// deleteNexthop lets a route lead by a nexthop object, which is then deleted, and the
// route with it: of that, the kernel says nothing.
func (s *scene) deleteNexthop(n int) error {
	r := s.entry(s.route(n)).(model.Route)
	batch := fmt.Sprintf("nexthop replace id 77 via %s dev %s onlink\nroute replace %s nhid 77 proto 157 metric %d\nnexthop delete id 77\n",
		r.Via.Value(), r.Dev.Value(), r.Dst, r.Metric)
	cmd := s.command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip -batch: %w: %s", err, b)
	}
	return nil
}

// breakIt breaks the host.
func (f fault) breakIt(ctx context.Context, s *scene, n int) error {
	if f.deed != nil {
		return f.deed(s, n)
	}
	for _, err := range s.door.Do(ctx, f.steps(s, n)) {
		if err != nil {
			return err
		}
	}
	return nil
}
