package kernel

import (
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// plainRoute is one with nothing open, through u0.
func plainRoute(dst string) model.Route {
	p := prefix(dst)
	r := model.Route{
		Dst: p, Table: model.TableMain, Metric: model.Metric(p, 0), Type: some("unicast"), Via: someAddr(""), Dev: some("u0"),
		OnLink: some(false), Src: someAddr(""), NextHops: some(""), Protocol: some(model.MarkProtocol),
	}
	if p.Addr().Is4() {
		r.Scope = some(model.ScopeLink)
	}
	return r
}

// viaRoute is one with a gateway.
func viaRoute(dst, via string) model.Route {
	r := plainRoute(dst)
	r.Via = someAddr(via)
	if r.Dst.Addr().Is4() {
		r.Scope = some(model.ScopeGlobal)
	}
	return r
}

// routed returns a copy of the route, changed.
func routed(r model.Route, f func(*model.Route)) model.Route {
	f(&r)
	return r
}

// routeChange specifies a change of the route.
func routeChange(r model.Route, f func(*model.Route)) model.Object {
	return routed(model.Route{Netns: r.Netns, Dst: r.Dst, Table: r.Table, Metric: r.Metric}, f)
}

func routeSample(name string, r model.Route, command string, want map[string]string) sample {
	return sample{
		name: name, commands: underlayCommands, object: r, again: syscall.EEXIST,
		shown: display{command: command, want: want},
		changes: []model.Object{
			routeChange(r, func(c *model.Route) { c.Protocol = some[uint8](99) }),
		},
	}
}

func blackhole(c *model.Route) {
	c.Type, c.Via, c.Dev, c.OnLink = some("blackhole"), someAddr(""), some(""), some(false)
	if c.Dst.Addr().Is4() {
		c.Scope = some(model.ScopeGlobal)
	}
}

func routeSamples4() []sample {
	gateway := viaRoute("172.246.0.0/24", "192.0.2.246")
	via := routeSample("IPv4 by a gateway", gateway, "ip -j -d route show 172.246.0.0/24", map[string]string{
		"type": "unicast", "gateway": "192.0.2.246", "dev": "u0", "protocol": "157", "scope": "global",
	})
	via.changes = append(via.changes,
		routeChange(gateway, func(c *model.Route) { c.Via = someAddr("192.0.2.247") }),
		routeChange(gateway, func(c *model.Route) { c.OnLink = some(true) }),
		routeChange(gateway, func(c *model.Route) { c.Src = someAddr("192.0.2.2") }),
		routeChange(gateway, func(c *model.Route) { c.Dev, c.OnLink = some("u1"), some(true) }),
		routeChange(gateway, func(c *model.Route) { c.Via, c.Scope = someAddr(""), some(model.ScopeLink) }),
		routeChange(gateway, func(c *model.Route) { c.Via = someAddr("2001:db8::246") }),
		routeChange(gateway, blackhole))

	onlink := routed(viaRoute("172.246.0.0/24", "172.246.0.0"), func(r *model.Route) { r.OnLink, r.Dev = some(true), some("u1") })
	hole := routed(plainRoute("10.0.0.0/8"), blackhole)
	inside := viaRoute("0.0.0.0/0", "10.1.2.3")
	inside.Netns, inside.Dev, inside.OnLink = "blue", some("lo"), some(true)
	netns := routeSample("IPv4 in a namespace", inside, "ip -j -d route show default", map[string]string{
		"dst": "default", "gateway": "10.1.2.3", "dev": "lo", "flags": "onlink",
	})
	netns.made, netns.shown.netns = []model.Object{model.Netns{Name: "blue", LoUp: some(true)}}, "blue"
	return []sample{
		via, netns,
		routeSample("IPv4 onlink", onlink, "ip -j -d route show 172.246.0.0/24", map[string]string{
			"gateway": "172.246.0.0", "dev": "u1", "flags": "onlink",
		}),
		routeSample("IPv4 of a link", plainRoute("172.246.0.0/24"), "ip -j -d route show 172.246.0.0/24", map[string]string{
			"scope": "link", "dev": "u0", "gateway": "",
		}),
		routeSample("IPv4 default", viaRoute("0.0.0.0/0", "192.0.2.254"), "ip -j -d route show default", map[string]string{
			"dst": "default", "gateway": "192.0.2.254",
		}),
		routeSample("IPv4 of a host, with a source", routed(viaRoute("172.246.0.7/32", "192.0.2.246"), func(r *model.Route) {
			r.Src = someAddr("192.0.2.2")
		}), "ip -j -d route show 172.246.0.7", map[string]string{"prefsrc": "192.0.2.2"}),
		routeSample("IPv4 with a metric", routed(gateway, func(r *model.Route) { r.Metric = 77 }),
			"ip -j -d route show 172.246.0.0/24", map[string]string{"metric": "77"}),
		routeSample("IPv4 blackhole", hole, "ip -j -d route show 10.0.0.0/8", map[string]string{"type": "blackhole"}),
		routeSample("IPv4 by an IPv6 gateway", viaRoute("172.246.0.0/24", "2001:db8::246"),
			"ip -j -d route show 172.246.0.0/24", map[string]string{"via.family": "inet6", "via.host": "2001:db8::246"}),
	}
}

func routeSamples6() []sample {
	gateway := viaRoute("fd42:0:0:2::/64", "2001:db8::246")
	via := routeSample("IPv6 by a gateway", gateway, "ip -6 -j -d route show fd42:0:0:2::/64", map[string]string{
		"type": "unicast", "gateway": "2001:db8::246", "dev": "u0", "protocol": "157", "metric": "1024",
	})
	via.changes = append(via.changes,
		routeChange(gateway, func(c *model.Route) { c.Via = someAddr("2001:db8::247") }),
		routeChange(gateway, func(c *model.Route) { c.OnLink = some(true) }),
		routeChange(gateway, func(c *model.Route) { c.Src = someAddr("2001:db8::2") }),
		routeChange(gateway, func(c *model.Route) {
			c.Via, c.Dev, c.OnLink = someAddr("fd42:0:0:2::"), some("u1"), some(true)
		}),
		routeChange(gateway, func(c *model.Route) { c.Via = someAddr("") }),
		routeChange(gateway, func(c *model.Route) { blackhole(c); c.Dev = some("lo") }))
	onlink := routed(viaRoute("fd42:0:0:2::/64", "fd42:0:0:2::"), func(r *model.Route) { r.OnLink, r.Dev = some(true), some("u1") })
	hole := routed(plainRoute("fd00::/8"), func(r *model.Route) { blackhole(r); r.Dev = model.Opt[string]{} })
	return []sample{
		via,
		routeSample("IPv6 onlink", onlink, "ip -6 -j -d route show fd42:0:0:2::/64", map[string]string{
			"gateway": "fd42:0:0:2::", "dev": "u1", "flags": "onlink",
		}),
		routeSample("IPv6 of a link", plainRoute("fd42:0:0:2::/64"), "ip -6 -j -d route show fd42:0:0:2::/64", map[string]string{
			"dev": "u0", "gateway": "",
		}),
		routeSample("IPv6 default", viaRoute("::/0", "2001:db8::ffff"), "ip -6 -j -d route show default", map[string]string{
			"dst": "default", "gateway": "2001:db8::ffff",
		}),
		routeSample("IPv6 with a metric and a source", routed(gateway, func(r *model.Route) {
			r.Metric, r.Src = 77, someAddr("2001:db8::2")
		}), "ip -6 -j -d route show fd42:0:0:2::/64", map[string]string{"metric": "77", "prefsrc": "2001:db8::2"}),
		routeSample("IPv6 blackhole", hole, "ip -6 -j -d route show fd00::/8", map[string]string{"type": "blackhole"}),
	}
}
