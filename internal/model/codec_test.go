package model_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// everyKind is an object of each kind, with some attributes open, some none, some set.
func everyKind() []model.Object {
	some := model.Some[netip.Addr]
	a := netip.MustParseAddr("192.0.2.1")
	mac := model.MAC{2, 0, 0, 0, 0, 1}
	return []model.Object{
		model.Netns{Name: "ns", Alias: model.Some(""), LoUp: model.Some(false)},
		model.Sysctl{Netns: "ns", Name: "net.ipv4.ip_forward", Value: model.Some("1"), Saved: model.Some("0")},
		model.Link{Name: "br0", Type: model.Some("bridge"), Up: model.Some(true), Master: model.Some(""), Bridge: model.Bridge{STP: model.Some(false)}},
		model.Link{Name: "vx", Type: model.Some("vxlan"), MAC: model.Some(mac), VXLAN: model.VXLAN{VNI: model.Some[uint32](7), Local: some(netip.Addr{}), TTL: model.Some[uint8](0)}},
		model.Link{Name: "tun", Type: model.Some("ipip"), IPIP: model.IPIP{Local: some(a), Remote: some(netip.Addr{})}},
		model.Link{Netns: "ns", Name: "eth0", Peer: model.Some(model.EndRef{Name: "veth"})},
		model.Address{Link: "br0", Prefix: netip.MustParsePrefix("192.0.2.1/24"), Protocol: model.Some[uint8](157)},
		model.FDBEntry{Link: "vx", MAC: mac, Dst: some(a)},
		model.FDBEntry{Link: "vx", Dst: some(a)},
		model.Neighbour{Link: "vx", IP: a, MAC: model.Some(mac)},
		model.Route{Dst: netip.MustParsePrefix("::/0"), Table: 254, Metric: 1024, Via: some(netip.Addr{}), Type: model.Some("unicast")},
	}
}

// A step reads back as it was written, whatever it is about.
func TestStepJSON(t *testing.T) {
	kinds := map[model.Kind]bool{}
	for _, o := range everyKind() {
		kinds[o.Key().Kind] = true
		for _, s := range []model.Step{
			{Op: model.OpCreate, After: o},
			{Op: model.OpUpdate, Before: o, After: o},
			{Op: model.OpDelete, Before: o, Along: &model.Along{Lost: everyKind(), Released: []model.Object{o}, Restore: []model.Object{o}}},
		} {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var back model.Step
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			if !reflect.DeepEqual(s, back) {
				t.Errorf("%s became %+v, want %+v", b, back, s)
			}
		}
	}
	if len(kinds) != len(model.Kinds()) {
		t.Errorf("there are %d kinds of %d here", len(kinds), len(model.Kinds()))
	}
}

func TestStepJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:              "without an operation",
		`{"op":"create"}`: "without the object",
		`{"op":"explode","after":{"kind":"netns","object":{"name":"a"}}}`:                                                "is no operation",
		`{"op":"create","after":{"kind":"cow","object":{}}}`:                                                             "is no kind",
		`{"op":"create","after":{"object":{}}}`:                                                                          "without a kind",
		`{"op":"delete","after":{"kind":"netns","object":{"name":"a"}}}`:                                                 "without the object",
		`{"op":"update","before":{"kind":"netns","object":{"name":"a"}},"after":{"kind":"netns","object":{"name":"b"}}}`: "makes netns b of netns a",
		`{"op":"create","after":{"kind":"link","object":{"name":"a","mac":"x"}}}`:                                        "MAC",
	} {
		var s model.Step
		err := json.Unmarshal([]byte(text), &s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", text, err, want)
		}
	}
}
