package model_test

import (
	"encoding/json"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestParseAlias(t *testing.T) {
	id := model.Identity{Topology: "classic", Node: "vm1"}
	for _, tc := range []struct {
		alias string
		want  model.Identity
		ok    bool
	}{
		{id.Alias(), id, true},
		{"netplan-overlay:classic/vm1", id, true},
		{"netplan-overlay:a/b/c", model.Identity{Topology: "a", Node: "b/c"}, true},
		{"", model.Identity{}, false},
		{"classic/vm1", model.Identity{}, false},
		{"uplink to classic/vm1", model.Identity{}, false},
		{"netplan-overlay:classic", model.Identity{}, false},
		{"netplan-overlay:/vm1", model.Identity{}, false},
		{"netplan-overlay:classic/", model.Identity{}, false},
		{"Netplan-Overlay:classic/vm1", model.Identity{}, false},
	} {
		got, ok := model.ParseAlias(tc.alias)
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%q: %v, %v; want %v, %v", tc.alias, got, ok, tc.want, tc.ok)
		}
	}
}

func TestOwnerMine(t *testing.T) {
	for o := model.OwnerForeign; o <= model.OwnerShared; o++ {
		if want := o == model.OwnerOurs || o == model.OwnerHalf; o.Mine() != want {
			t.Errorf("%s is mine: %v, want %v", o, o.Mine(), want)
		}
	}
}

func TestParseMAC(t *testing.T) {
	for _, tc := range []struct {
		in, want string // "" for an error
	}{
		{"52:3a:8c:c9:08:e8", "52:3a:8c:c9:08:e8"},
		{"52-3A-8C-C9-08-E8", "52:3a:8c:c9:08:e8"},
		{"52:3a:8c:c9:08", ""},
		{"52:3a:8c:c9:08:e8:00", ""},
		{"52:3a:8c:c9:08-e8", ""},
		{"523a.8cc9.08e8", ""},
		{"52:3a:8c:c9:08:g8", ""},
		{"5:23a:8c:c9:08:e8", ""},
		{"", ""},
	} {
		m, err := model.ParseMAC(tc.in)
		if (err != nil) != (tc.want == "") || err == nil && m.String() != tc.want {
			t.Errorf("%q: %s, %v; want %q", tc.in, m, err, tc.want)
		}
	}
	for mac, want := range map[model.MAC]bool{{0x01}: true, {0x02}: false, {0xff, 0xff}: true, {}: false} {
		if mac.IsMulticast() != want {
			t.Errorf("%s is multicast: %v", mac, mac.IsMulticast())
		}
	}
}

// What is open stays open in JSON, and a specified zero value does not.
func TestOptJSON(t *testing.T) {
	type object struct {
		MTU model.Opt[uint32] `json:"mtu,omitzero"`
		Up  model.Opt[bool]   `json:"up,omitzero"`
	}
	for _, tc := range []struct {
		in   object
		want string
	}{
		{object{}, `{}`},
		{object{Up: model.Some(false)}, `{"up":false}`},
		{object{MTU: model.Some[uint32](1450), Up: model.Some(true)}, `{"mtu":1450,"up":true}`},
	} {
		b, err := json.Marshal(tc.in)
		if err != nil || string(b) != tc.want {
			t.Errorf("%+v: %s, %v; want %s", tc.in, b, err, tc.want)
		}
		var back object
		if err := json.Unmarshal(b, &back); err != nil || back != tc.in {
			t.Errorf("%s: read %+v, %v; want %+v", b, back, err, tc.in)
		}
	}
	var o model.Opt[uint32]
	if err := json.Unmarshal([]byte("null"), &o); err != nil || o.IsSet() {
		t.Errorf("null: %+v, %v", o, err)
	}
}

func TestSysctlDevice(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.conf.eth0.rp_filter":       "eth0",
		"net.ipv6.conf.eth0/1.accept_ra":     "eth0.1",
		"net.ipv4.neigh.br0.gc_stale_time":   "br0",
		"net.ipv4.conf.all.forwarding":       "",
		"net.ipv6.conf.default.disable_ipv6": "",
		"net.ipv4.ip_forward":                "",
		model.DeviceSysctl(6, "a.b", "mtu"):  "a.b",
	} {
		if got := (model.Sysctl{Name: name}).Device(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestPrimary(t *testing.T) {
	end := func(ns, name, peerNS, peer string) model.Link {
		return model.Link{Netns: ns, Name: name, Peer: model.Some(model.EndRef{Netns: peerNS, Name: peer})}
	}
	for _, tc := range []struct {
		l    model.Link
		want bool
	}{
		{model.Link{Name: "br0"}, true},
		{end("", "v", "ns", "eth0"), true},
		{end("ns", "eth0", "", "v"), false},
		{end("", "a", "", "b"), true},
		{end("", "b", "", "a"), false},
		{end("ns1", "x", "ns2", "x"), true},
		{end("ns2", "x", "ns1", "x"), false},
	} {
		if got := tc.l.Primary(); got != tc.want {
			t.Errorf("%s with %v: %v, want %v", tc.l.Key(), tc.l.Peer.Value(), got, tc.want)
		}
	}
}
