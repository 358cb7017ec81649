package model

import "fmt"

// commands implements Commands.
func (a Address) commands(s Step) []Command {
	if s.Op == OpDelete {
		return []Command{a.deletion()}
	}
	verb := "add"
	if s.Op == OpUpdate {
		verb = "change"
	}
	args := arguments{"ip", "address", verb, a.Prefix.String(), "dev", a.Link}
	// ip takes 127.0.0.1 for one of scope host.
	if scope := a.Scope.Value(); scope != ScopeGlobal || a.Prefix.Addr().IsLoopback() {
		args = append(args, "scope", scopeString(scope))
	}
	if a.Prefix.Addr().Is6() {
		args = append(args, "nodad") // one that is tentative cannot be used
	}
	c := command(a.Netns, args...)
	option((*arguments)(&c.Mark), "proto", a.Protocol)
	return []Command{c}
}

// deletion deletes the address alone: without promote_secondaries, the kernel would
// take the others of the same subnet along (__inet_del_ifa, net/ipv4/devinet.c).
func (a Address) deletion() Command {
	c := command(a.Netns, "ip", "address", "delete", a.Prefix.String(), "dev", a.Link)
	if a.Prefix.Addr().Is4() && !a.Prefix.IsSingleIP() {
		c.Hold = Sysctl{Netns: a.Netns, Name: DeviceSysctl(4, a.Link, "promote_secondaries"), Value: Some("1")}
		c.Comment = "other addresses of the same subnet have to stay"
	}
	return c
}

// scopeString returns iproute2's word for a scope (/etc/iproute2/rt_scopes).
func scopeString(scope uint8) string {
	switch scope {
	case ScopeGlobal:
		return "global"
	case ScopeLink:
		return "link"
	}
	return fmt.Sprint(scope)
}
