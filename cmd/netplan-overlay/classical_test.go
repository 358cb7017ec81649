package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// jsonOf reads what "ip -j" or "bridge -j" says.
func (h *host) jsonOf(netns string, command string, args ...string) []map[string]any {
	h.w.t.Helper()
	r := h.in(netns, command, append([]string{"-d", "-j"}, args...)...)
	var l []map[string]any
	if r.code != 0 {
		h.w.t.Fatalf("%s %v: %s", command, args, r.err)
	}
	if strings.TrimSpace(r.out) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(r.out), &l); err != nil {
		h.w.t.Fatalf("%s %v: %v", command, args, err)
	}
	return slices.DeleteFunc(l, func(m map[string]any) bool { return len(m) == 0 })
}

// expect ends nothing, but tells where the single element of got is not as wanted:
// want has values by the path of their keys.
func (h *host) expect(what string, got []map[string]any, want map[string]string) {
	h.w.t.Helper()
	if len(got) != 1 {
		h.w.t.Errorf("%s: %s: there are %d: %v", h.name, what, len(got), got)
		return
	}
	for path, value := range want {
		if v := fmt.Sprint(dig(got[0], strings.Split(path, "."))); v != value {
			h.w.t.Errorf("%s: %s: %s is %s, want %s", h.name, what, path, v, value)
		}
	}
}

func dig(v any, path []string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// The state is what the classical recipe makes by hand.
func TestClassicalVXLAN(t *testing.T) {
	w := twoHosts(t)
	w.applyAll(w.file("topology.yaml", two("vxlan")))
	h, far := w.hosts[0], w.hosts[1]

	h.expect("bridge", h.jsonOf("", "ip", "link", "show", "br245"), map[string]string{
		"linkinfo.info_kind": "bridge", "mtu": "1450", "operstate": "UP", "ifalias": "netplan-overlay:classic/vm1",
	})
	if a := h.ip("-4", "-o", "address", "show", "br245"); !strings.Contains(a, " 172.245.0.1/24 scope global br245") {
		t.Errorf("the bridge has not the address 172.245.0.1/24: %s", a)
	}
	h.expect("veth", h.jsonOf("", "ip", "link", "show", "veth-ns245"), map[string]string{
		"linkinfo.info_kind": "veth", "master": "br245", "mtu": "1450", "operstate": "UP",
	})
	h.expect("eth0", h.jsonOf("ns245", "ip", "link", "show", "eth0"), map[string]string{
		"linkinfo.info_kind": "veth", "mtu": "1450", "operstate": "UP",
	})
	h.expect("default route inside", h.jsonOf("ns245", "ip", "route", "show", "default"), map[string]string{
		"gateway": "172.245.0.1", "dev": "eth0", "protocol": "157",
	})
	h.expect("vxlan", h.jsonOf("", "ip", "link", "show", "vxlan1"), map[string]string{
		"linkinfo.info_kind": "vxlan", "linkinfo.info_data.id": "1", "linkinfo.info_data.local": "192.168.32.245",
		"linkinfo.info_data.link": "eth0", "linkinfo.info_data.port": "8472", "linkinfo.info_data.learning": "false",
		"mtu": "1450",
	})
	if a := h.ip("-4", "-o", "address", "show", "vxlan1"); !strings.Contains(a, "172.245.0.0/32") {
		t.Errorf("the VTEP has not the address 172.245.0.0/32: %s", a)
	}
	mac := fmt.Sprint(far.jsonOf("", "ip", "link", "show", "vxlan1")[0]["address"])
	h.expect("neighbour", h.jsonOf("", "ip", "neighbour", "show", "dev", "vxlan1", "nud", "permanent"), map[string]string{
		"dst": "172.246.0.0", "lladdr": mac, "state": "[PERMANENT]",
	})
	h.expect("FDB entry", h.jsonOf("", "bridge", "fdb", "show", "dev", "vxlan1"), map[string]string{
		"mac": mac, "dst": "192.168.32.246", "flags": "[self]", "state": "permanent",
	})
	h.expect("route", h.jsonOf("", "ip", "route", "show", "172.246.0.0/24"), map[string]string{
		"gateway": "172.246.0.0", "dev": "vxlan1", "flags": "[onlink]", "protocol": "157",
	})
	if f := h.sysctl("net.ipv4.ip_forward"); f != "net.ipv4.ip_forward = 1" {
		t.Error(f)
	}
}

func TestClassicalHostGW(t *testing.T) {
	w := twoHosts(t)
	w.applyAll(w.file("topology.yaml", two("host-gw")))
	h := w.hosts[0]
	h.expect("route", h.jsonOf("", "ip", "route", "show", "172.246.0.0/24"), map[string]string{
		"gateway": "192.168.32.246", "dev": "eth0", "flags": "[]", "protocol": "157",
	})
	h.expect("eth0", h.jsonOf("ns245", "ip", "link", "show", "eth0"), map[string]string{"mtu": "1500"})
}

func TestClassicalIPIP(t *testing.T) {
	needIPIP(t)
	for _, tc := range []struct {
		name, backend, device, remote string
		route                         map[string]string
	}{
		{"multipoint", "ipip", "ipip-overlay", "any", map[string]string{"gateway": "192.168.32.246", "dev": "ipip-overlay", "flags": "[onlink]"}},
		{"per-peer", "{type: ipip, mode: per-peer}", "ipip-vm2", "192.168.32.246", map[string]string{"dev": "ipip-vm2", "scope": "link"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := twoHosts(t)
			w.applyAll(w.file("topology.yaml", two(tc.backend)))
			h := w.hosts[0]
			h.expect("tunnel", h.jsonOf("", "ip", "link", "show", tc.device), map[string]string{
				"linkinfo.info_kind": "ipip", "linkinfo.info_data.local": "192.168.32.245",
				"linkinfo.info_data.remote": tc.remote, "mtu": "1480",
			})
			h.expect("route", h.jsonOf("", "ip", "route", "show", "172.246.0.0/24"), tc.route)
			h.expect("eth0", h.jsonOf("ns245", "ip", "link", "show", "eth0"), map[string]string{"mtu": "1480"})
		})
	}
}
