package spec

import (
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

const disableIPv6 = "disable_ipv6"

// checkIPv6On refuses IPv6 addresses where a sysctl of the namespace, or one that all
// namespaces have by default, takes them away again (addrconf_ifdown,
// net/ipv6/addrconf.c). One of the interface itself counts more than one of all.
func (d *decoder) checkIPv6On(t *rawTopology, ns *rawNamespace) {
	var set map[string]rawSysctl
	for _, l := range [...][]rawSysctl{t.defaults.namespace.sysctls, ns.sysctls} {
		for _, s := range l {
			if !strings.HasSuffix(s.name, disableIPv6) {
				continue
			}
			if set == nil {
				set = map[string]rawSysctl{}
			}
			set[s.name] = s
		}
	}
	if set == nil {
		return
	}
	for _, i := range ns.interfaces {
		for _, a := range i.addresses {
			if !a.v.Addr().Is6() {
				continue
			}
			if s, off := ipv6Off(set, i.name); off {
				d.errorf(codeNoIPv6, a.at, "leave out the address or the sysctl", "the interface cannot have %s: %s, at %s, switches IPv6 off", a.v, s.name, s.key.pos())
			}
			break
		}
	}
}

// ipv6Off returns the sysctl that switches IPv6 off on an interface.
func ipv6Off(set map[string]rawSysctl, device string) (rawSysctl, bool) {
	for _, conf := range []string{device, "all", "default"} {
		if s, ok := set[model.DeviceSysctl(6, conf, disableIPv6)]; ok && s.value.given() {
			return s, s.value.v != "0"
		}
	}
	return rawSysctl{}, false
}
