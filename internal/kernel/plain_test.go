package kernel

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// What is done together may be in many namespaces, but is of one kind or one message each,
// all of it removed or all of it made, and not too much.
func TestBatch(t *testing.T) {
	h := &Host{}
	step := func(op model.Op, o model.Object) model.Step {
		if op == model.OpDelete {
			return model.Step{Op: op, Before: o}
		}
		return model.Step{Op: op, After: o}
	}
	in := func(netns string) model.Address {
		return model.Address{Netns: netns, Link: "eth0", Prefix: netip.MustParsePrefix("fd00::1/64")}
	}
	route := model.Route{Netns: "a", Dst: netip.MustParsePrefix("fd01::/64")}
	bridge := model.Link{Netns: "a", Name: "br0", Type: some(model.TypeBridge)}
	many := func(n int, s func(i int) model.Step) (l []model.Step) {
		for i := range n {
			l = append(l, s(i))
		}
		return l
	}
	for _, x := range []struct {
		name  string
		steps []model.Step
		want  int
	}{
		{"none", nil, 0},
		{"several namespaces", []model.Step{step(model.OpCreate, in("a")), step(model.OpCreate, in("b")), step(model.OpCreate, route)}, 3},
		{"made, then removed", []model.Step{step(model.OpCreate, in("a")), step(model.OpDelete, in("b"))}, 1},
		{"removed", []model.Step{step(model.OpDelete, in("a")), step(model.OpDelete, in("b")), step(model.OpCreate, in("c"))}, 2},
		{"a link after an address", []model.Step{step(model.OpCreate, in("a")), step(model.OpCreate, bridge)}, 1},
		{"an address after a link", []model.Step{step(model.OpCreate, bridge), step(model.OpCreate, in("a"))}, 1},
		{"many addresses", many(1000, func(i int) model.Step { return step(model.OpCreate, in(fmt.Sprint("n", i))) }), chunkMessages},
		{"many links made", many(1000, func(i int) model.Step {
			return step(model.OpCreate, with(bridge, func(l *model.Link) { l.Name = fmt.Sprint("b", i) }))
		}), chunkMessages},
		{"many links removed", many(1000, func(i int) model.Step {
			return step(model.OpDelete, with(bridge, func(l *model.Link) { l.Name = fmt.Sprint("b", i) }))
		}), 1000},
	} {
		if got := h.Batch(x.steps); got != x.want {
			t.Errorf("%s: got %d, want %d", x.name, got, x.want)
		}
	}
}

// Each namespace has a send of its own, and after one of which a part was refused, the next
// ones are not tried.
func TestDoInManyNamespaces(t *testing.T) {
	s := newSim(t)
	var l []model.Object
	for _, netns := range []string{"a", "b", "c"} {
		s.create(model.Netns{Name: netns, LoUp: some(true)})
		for _, p := range []string{"fd00::1/64", "fd00::2/64"} {
			l = append(l, model.Address{Netns: netns, Link: "lo", Prefix: prefix(p)})
		}
	}
	s.create(l[2])
	if got := outcome(s.all(s.Host, model.OpCreate, l...)); got != "..x.--" {
		t.Errorf("got %s", got)
	}
	for i, o := range l {
		if _, ok := s.get(o.Key()); ok != (i < 4) {
			t.Errorf("%s is there: %v", o.Key(), ok)
		}
	}
	if got := outcome(s.all(s.Host, model.OpDelete, l...)); got != "......" {
		t.Errorf("deleting: got %s", got)
	}
}
