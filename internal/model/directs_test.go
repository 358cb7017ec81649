package model

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is said of peers is the same whether it comes from a map or from few answers, and
// whichever of these is the usual one.
func TestDirects(t *testing.T) {
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::1")
	peers := []netip.Addr{c, a, b} // in no order
	on, off, far := Direct{OK: true, Reason: "on"}, Direct{Reason: "off"}, Direct{Reason: "far"}
	equal := func(x, y Directs) bool { return x.Equal(&y) && y.Equal(&x) }
	for _, tt := range []struct {
		answers []Direct
		of      []int
		want    map[netip.Addr]Direct
	}{
		{[]Direct{on}, []int{0, 0, 0}, map[netip.Addr]Direct{a: on, b: on, c: on}},
		{[]Direct{off, on}, []int{0, 1, 1}, map[netip.Addr]Direct{a: on, b: on, c: off}},
		{[]Direct{off, on}, []int{1, 0, 0}, map[netip.Addr]Direct{a: off, b: off, c: on}},
		{[]Direct{on, off, far}, []int{2, 1, 0}, map[netip.Addr]Direct{a: off, b: on, c: far}},
		{[]Direct{on, off, on}, []int{0, 1, 2}, map[netip.Addr]Direct{a: off, b: on, c: on}},
	} {
		d := DirectsBy(peers, tt.answers, tt.of)
		if diff := cmp.Diff(tt.want, maps.Collect(d.All()), cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.of, diff)
		}
		if !equal(d, DirectsOf(tt.want)) || !equal(d, d) {
			t.Errorf("%v: not equal to the map that it says", tt.of)
		}
		other := maps.Clone(tt.want)
		other[a] = Direct{Reason: "another"}
		if equal(d, DirectsOf(other)) {
			t.Errorf("%v: equal to what says another thing of %s", tt.of, a)
		}
		delete(other, a)
		if equal(d, DirectsOf(other)) || equal(d, Directs{}) {
			t.Errorf("%v: equal to what says nothing of %s", tt.of, a)
		}
	}
	if none := DirectsBy(nil, nil, nil); !equal(none, Directs{}) || !equal(none, DirectsOf(nil)) {
		t.Error("nothing is not equal to nothing")
	}
}
