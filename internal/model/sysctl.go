package model

import (
	"fmt"
	"strings"
)

// Sysctl is a kernel parameter below /proc/sys/net of a network namespace. The
// kernel keeps no mark for one; whoever sets it remembers what was there before,
// in Saved, for as long as the machine runs.
type Sysctl struct {
	Netns string      `json:"netns,omitempty"`
	Name  string      `json:"name"` // with dots; a "/" stands for a dot within a device's name, as in sysctl(8)
	Value Opt[string] `json:"value,omitzero"`
	Saved Opt[string] `json:"saved,omitzero"` // the value before the tool first set it; observed only
}

// DeviceSysctl names a parameter that the kernel keeps for each device, such as
// accept_ra; family is 4 or 6.
func DeviceSysctl(family int, device, name string) string {
	return fmt.Sprintf("net.ipv%d.conf.%s.%s", family, strings.ReplaceAll(device, ".", "/"), name)
}

// Key implements Object.
func (s Sysctl) Key() Key { return SysctlKey(s.Netns, s.Name) }

// Device returns the link that the sysctl belongs to, as in
// net.ipv4.conf.eth0.rp_filter, or "".
func (s Sysctl) Device() string {
	for _, p := range []string{"net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh.", "net.mpls.conf."} {
		rest, ok := strings.CutPrefix(s.Name, p)
		if !ok {
			continue
		}
		dev, _, ok := strings.Cut(rest, ".")
		if ok && dev != "all" && dev != "default" {
			return strings.ReplaceAll(dev, "/", ".")
		}
	}
	return ""
}

// Needs implements Object.
func (s Sysctl) Needs() []Need {
	var needs []Need
	if s.Netns != "" {
		needs = append(needs, Need{Key: NetnsKey(s.Netns)})
	}
	if dev := s.Device(); dev != "" && dev != "lo" {
		needs = append(needs, Need{Key: LinkKey(s.Netns, dev)})
	}
	return needs
}

// Attrs implements Object.
func (s Sysctl) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "value", Impact: SysctlImpact(s.Name, s.Value.Value())}, s.Value)
	return l
}

// SysctlImpact says what setting a parameter does to traffic. Forwarding harms nothing
// when it begins, and cuts off whoever is forwarded when it ends; of most parameters
// nobody knows.
func SysctlImpact(name, value string) Impact {
	switch last := name[strings.LastIndexByte(name, '.')+1:]; last {
	case "ip_forward", "forwarding":
		if value == "0" {
			return ImpactDisruptive
		}
		return ImpactNone
	case "disable_ipv6":
		if value != "0" {
			return ImpactDisruptive
		}
		return ImpactNone
	case "accept_ra", "accept_dad", "dad_transmits":
		return ImpactNone // what comes later: advertisements, addresses
	}
	return ImpactBrief
}

// Fill implements Object.
func (s Sysctl) Fill(from Object) Object {
	f := from.(Sysctl)
	s.Value = s.Value.Fill(f.Value)
	s.Saved = s.Saved.Fill(f.Saved)
	return s
}
