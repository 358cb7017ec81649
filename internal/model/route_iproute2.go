package model

import (
	"fmt"
	"net/netip"
)

// commands implements Commands. An update replaces the route in one message, and makes
// none where there is none.
func (r Route) commands(s Step) []Command {
	if s.Op == OpDelete {
		return []Command{r.command("delete")}
	}
	verb := "add"
	if s.Op == OpUpdate {
		verb = "change"
	}
	c := r.command(verb)
	if r.OnLink.Value() && r.Via.Value().Is6() {
		c.Or = r.signposted(c)
		c.Comment = "although it is onlink, the kernel refuses a gateway that it would reach by another device just now: a route to the gateway alone shows the way meanwhile"
	}
	return []Command{c}
}

// signposted makes the route with the help of one to the gateway alone, as the kernel's
// door does (ip6_route_check_nh_onlink, net/ipv6/route.c).
func (r Route) signposted(c Command) []Command {
	via := r.Via.Value()
	post := Route{
		Netns: r.Netns, Dst: netip.PrefixFrom(via, via.BitLen()), Metric: DefaultMetric6, Dev: r.Dev, Protocol: r.Protocol,
	}
	return []Command{post.command("add"), c, post.command("delete")}
}

func (r Route) command(verb string) Command {
	args := arguments{"ip"}
	if r.Dst.Addr().Is6() {
		args = append(args, "-6")
	}
	args = append(args, "route", verb)
	if t := r.Type.Or("unicast"); t != "unicast" {
		args = append(args, t)
	}
	dst := r.Dst.String()
	if r.Dst.Bits() == 0 {
		dst = "default"
	}
	args = append(args, dst)
	if via := r.Via.Value(); via.IsValid() {
		args = append(args, "via")
		switch {
		case via.Is6() == r.Dst.Addr().Is6():
		case via.Is6():
			args = append(args, "inet6")
		default:
			args = append(args, "inet")
		}
		args = append(args, via.String())
	}
	if dev := r.Dev.Value(); dev != "" {
		args = append(args, "dev", dev)
	}
	if r.Metric != 0 && (verb == "delete" || r.Metric != Metric(r.Dst, 0)) {
		args = append(args, "metric", fmt.Sprint(r.Metric))
	}
	args = append(args, "proto", fmt.Sprint(r.Protocol.Or(protocolStatic)))
	if verb != "delete" {
		args = append(args, r.settings()...)
	}
	return command(r.Netns, args...)
}

// protocolStatic is RTPROT_STATIC (linux/rtnetlink.h).
const protocolStatic uint8 = 4

// settings are what tells no route from another: what the kernel is not asked for when
// one is deleted.
func (r Route) settings() []string {
	var args []string
	if r.OnLink.Value() {
		args = append(args, "onlink")
	}
	if scope, ok := r.Scope.Get(); ok && scope != r.usualScope() {
		args = append(args, "scope", scopeString(scope))
	}
	if src := r.Src.Value(); src.IsValid() {
		args = append(args, "src", src.String())
	}
	return args
}

// usualScope is what iproute2 takes where none is said.
func (r Route) usualScope() uint8 {
	if !r.Via.Value().IsValid() && r.Type.Or("unicast") == "unicast" {
		return ScopeLink
	}
	return ScopeGlobal
}
