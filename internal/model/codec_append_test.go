package model_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// reference is what encoding/json makes of an object and its kind.
type reference struct {
	Kind   model.Kind   `json:"kind"`
	Object model.Object `json:"object"`
}

func referenceOf(o model.Object) *reference {
	if o == nil {
		return nil
	}
	return &reference{o.Key().Kind, o}
}

func referencesOf(l []model.Object) (out []*reference) {
	for _, o := range l {
		out = append(out, referenceOf(o))
	}
	return out
}

// What a step is written as, by hand, is what encoding/json makes of it.
func TestStepAsByEncodingJSON(t *testing.T) {
	check := func(s model.Step) {
		t.Helper()
		want, err := json.Marshal(struct {
			Op       model.Op     `json:"op"`
			Before   *reference   `json:"before,omitempty"`
			After    *reference   `json:"after,omitempty"`
			Lost     []*reference `json:"lost,omitempty"`
			Released []*reference `json:"released,omitempty"`
			Restore  []*reference `json:"restore,omitempty"`
		}{s.Op, referenceOf(s.Before), referenceOf(s.After), referencesOf(s.Lost()), referencesOf(s.Released()), referencesOf(s.Restore())})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.AppendJSON([]byte("x"))
		if err != nil || string(got) != "x"+string(want) {
			t.Errorf("%v: got\n%s, want\n%s", err, got[1:], want)
		}
	}
	for _, o := range append(whole(), everyKind()...) {
		check(model.Step{Op: model.OpCreate, After: o})
		check(model.Step{Op: model.OpUpdate, Before: bare(o), After: o})
		check(model.Step{Op: model.OpDelete, Before: o, Along: &model.Along{Lost: everyKind(), Released: []model.Object{o}, Restore: whole()}})
	}
	g := odd{rand.New(rand.NewPCG(1, 1))}
	for range 20_000 {
		check(model.Step{Op: model.OpUpdate, Before: g.object(), After: g.object()})
	}
}

// odd makes objects with values that no plan has.
type odd struct{ *rand.Rand }

func (g odd) object() model.Object {
	switch g.IntN(4) {
	case 0:
		return model.Route{
			Netns: g.text(), Dst: g.prefix(), Table: g.Uint32(), Metric: uint32(g.IntN(2)) * g.Uint32(), Type: opt(g, g.text()), Via: opt(g, g.addr()),
			Dev: opt(g, g.text()), OnLink: opt(g, g.IntN(2) == 0), Scope: opt(g, uint8(g.Uint32())), Src: opt(g, g.addr()),
			NextHops: opt(g, g.text()), Protocol: opt(g, uint8(g.Uint32())),
		}
	case 1:
		return model.Neighbour{
			Netns: g.text(), Link: g.text(), IP: g.addr(), MAC: opt(g, g.mac()), State: opt(g, uint16(g.Uint32())), Protocol: opt(g, uint8(g.Uint32())),
		}
	case 2:
		return model.FDBEntry{Netns: g.text(), Link: g.text(), MAC: g.mac(), Dst: opt(g, g.addr()), State: opt(g, uint16(g.Uint32()))}
	}
	return model.Address{Netns: g.text(), Link: g.text(), Prefix: g.prefix(), Scope: opt(g, uint8(g.Uint32())), Protocol: opt(g, uint8(g.Uint32()))}
}

func opt[T comparable](g odd, v T) model.Opt[T] {
	if g.IntN(2) == 0 {
		return model.Opt[T]{}
	}
	return model.Some(v)
}

func (g odd) text() string {
	const parts = "az09.-_/ \"\\<>&\x00\n\x1f\x7f\xff\u2028\u00e9"
	b := make([]byte, g.IntN(5))
	for i := range b {
		b[i] = parts[g.IntN(len(parts))]
	}
	return string(b)
}

func (g odd) addr() netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(g.IntN(3)) * byte(g.Uint32())
	}
	switch a := netip.AddrFrom16(b); g.IntN(5) {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.AddrFrom4([4]byte(b[:4]))
	case 2:
		return netip.AddrFrom16([16]byte{10: 0xff, 0xff, b[0], b[1], b[2], b[3]})
	case 3:
		return a.WithZone(g.text())
	default:
		return a
	}
}

func (g odd) prefix() netip.Prefix { return netip.PrefixFrom(g.addr(), g.IntN(140)-5) }

func (g odd) mac() (m model.MAC) {
	for i := range m {
		m[i] = byte(g.Uint32())
	}
	return m
}
