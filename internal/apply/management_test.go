package apply_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// table is what a host would do with packets.
type table struct{ *model.State }

func tableOf(k *fake.Kernel) table { return table{k.Observe(&model.State{})} }

// each calls f with the objects of one type in the host's own namespace.
func each[T model.Object](t table, f func(T)) {
	for e := range t.All() {
		if o, ok := e.Object.(T); ok && o.Key().Netns == "" {
			f(o)
		}
	}
}

// path is the route that a packet would take: the longest one, of the lowest metric;
// of type "local" where the host keeps the packet.
func (t table) path(to netip.Addr) (p model.Path, ok bool) {
	each(t, func(a model.Address) {
		if a.Prefix.Addr() == to {
			p, ok = model.Path{Type: "local"}, true
		}
	})
	if ok {
		return p, ok
	}
	each(t, func(r model.Route) {
		if r.Type.Value() != "unicast" || !r.Dst.Contains(to) {
			return
		}
		if ok && (r.Dst.Bits() < p.Dst.Bits() || r.Dst.Bits() == p.Dst.Bits() && r.Metric >= p.Metric) {
			return
		}
		p, ok = pathOf(r), true
	})
	return p, ok
}

func pathOf(r model.Route) model.Path {
	return model.Path{Type: "unicast", Dst: r.Dst, Table: r.Table, Metric: r.Metric, Protocol: r.Protocol.Value(), Hops: []model.Hop{{Dev: r.Dev.Value(), Via: r.Via.Value()}}}
}

// farEnd is where a tunnel sends packets for a next hop; invalid: it is no tunnel.
func (t table) farEnd(dev string, next netip.Addr) (far netip.Addr) {
	e, ok := t.Get(model.LinkKey("", dev))
	if !ok {
		return far
	}
	switch l := e.Object.(model.Link); l.Type.Value() {
	case model.TypeIPIP:
		if far = l.IPIP.Remote.Value(); !far.IsValid() {
			far = next
		}
	case model.TypeVXLAN:
		each(t, func(n model.Neighbour) {
			each(t, func(f model.FDBEntry) {
				if n.Link == dev && n.IP == next && f.Link == dev && f.MAC == n.MAC.Value() {
					far = f.Dst.Value()
				}
			})
		})
	}
	return far
}

// management is that of the host's default routes and of a session, as observe would
// find it.
func (t table) management(client, local netip.Addr) model.Management {
	var m model.Management
	each(t, func(r model.Route) {
		if r.Dst.Bits() == 0 {
			m.Ways = append(m.Ways, model.Way{For: "the default route", Path: pathOf(r)})
		}
	})
	add := func(w model.Way) {
		p, ok := t.path(w.To)
		known := slices.ContainsFunc(m.Ways, func(x model.Way) bool { return x.To == w.To })
		if w.Path = p; ok && p.Type == "unicast" && !known {
			m.Ways = append(m.Ways, w)
		}
	}
	add(model.Way{For: "the session", To: client, Local: local})
	for i := 0; i < len(m.Ways) && i < 20; i++ {
		w := m.Ways[i]
		hop := w.Hops[0]
		if hop.Via.IsValid() {
			add(model.Way{For: w.For, To: hop.Via})
		}
		if far := t.farEnd(hop.Dev, w.Next(hop)); far.IsValid() {
			add(model.Way{For: w.For, To: far})
		}
	}
	return m
}

// broken says what of the management is no longer as it was; "" for nothing.
func (t table) broken(m model.Management, before table) string {
	for _, w := range m.Ways {
		hop := w.Hops[0]
		was, _ := before.Get(model.LinkKey("", hop.Dev))
		if is, ok := t.Get(model.LinkKey("", hop.Dev)); !ok || is.Object != was.Object {
			return fmt.Sprintf("%s of %s was changed", hop.Dev, w.For)
		}
		if !w.To.IsValid() {
			if e, ok := t.Get(model.RouteKey("", w.Table, w.Dst, w.Metric)); !ok || pathOf(e.Object.(model.Route)).Hops[0] != hop {
				return "the default route is gone"
			}
			continue
		}
		if p, ok := t.path(w.To); !ok || p.Type != "unicast" || p.Hops[0] != hop {
			return fmt.Sprintf("packets to %s of %s go %+v, and went %+v", w.To, w.For, p, w.Path)
		}
		if was := before.farEnd(hop.Dev, w.Next(hop)); was.IsValid() && t.farEnd(hop.Dev, w.Next(hop)) != was {
			return fmt.Sprintf("the tunnel %s of %s no longer leads to %s", hop.Dev, w.For, was)
		}
		if w.Local.IsValid() {
			if p, ok := t.path(w.Local); !ok || p.Type != "local" {
				return fmt.Sprintf("%s, this end of %s, is gone", w.Local, w.For)
			}
		}
	}
	return ""
}

// session picks a client and the host's address of the connection.
func (g generator) session(t table) (client, local netip.Addr) {
	client = pick(g,
		netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8:5::5"), netip.MustParseAddr("10.0.0.12"), netip.MustParseAddr("172.17.0.9"),
		netip.MustParseAddr(fmt.Sprintf("10.42.%d.%d", g.IntN(16), 10*g.IntN(4))), netip.MustParseAddr(fmt.Sprintf("fd42:0:0:%d::%d", g.IntN(16), 10*g.IntN(4))),
	)
	var own []netip.Addr
	each(t, func(a model.Address) {
		if a.Prefix.Addr().Is4() == client.Is4() {
			own = append(own, a.Prefix.Addr())
		}
	})
	if len(own) > 0 {
		local = pick(g, own...)
	}
	return client, local
}

// A plan that is said to touch nothing of the management connection leaves it as it is,
// after each of its steps, wherever the client is: elsewhere, beside the host, in the
// overlay, or in what is to be the overlay.
func TestUntouchedManagementStays(t *testing.T) {
	if os.Getenv("VMRUN") != "" {
		t.Skip("covered by the run on the host: no kernel takes part, and the VM is slow")
	}
	touched, untouched, needless := 0, 0, 0
	seed := uint64(0)
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		seed++
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		before := tableOf(s.host)
		m := before.management(g.session(before))
		found := diff.Touches(p, s.host.Observe(s.want), m)
		k, harm := s.host.Clone(), ""
		for i, step := range p.Steps {
			if err := k.Do(context.Background(), []model.Step{step})[0]; err != nil {
				t.Fatal(err)
			}
			if harm = tableOf(k).broken(m, before); harm != "" {
				harm = fmt.Sprintf("step %d, %s %s: %s", i, step.Op, step.Key(), harm)
				break
			}
		}
		switch {
		case harm != "" && len(found) == 0:
			t.Errorf("nothing was said to touch the management, and this did: %s", harm)
		case len(found) == 0:
			untouched++
		case harm == "":
			needless++
		default:
			touched++
		}
	})
	t.Logf("the management was cut and this was foretold: %d; it was not touched: %d; it was only feared to be: %d", touched, untouched, needless)
	if touched < 20 || untouched < 20 {
		t.Error("the generator makes too few of one sort")
	}
}
