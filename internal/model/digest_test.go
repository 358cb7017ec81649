package model_test

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestDigest changes each field of each kind of which there are many: each time, the digest
// is another one.
func TestDigest(t *testing.T) {
	values := map[reflect.Type][]reflect.Value{}
	for _, v := range []any{
		"a", "a longer one than a word", uint32(7), uint32(1123), uint8(3), uint16(128), true, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::a00:1"),
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/9"), netip.MustParsePrefix("::/8"), model.MAC{1}, model.MAC{0, 0, 0, 0, 0, 1},
		model.Some(""), model.Some("b"), model.Some(uint8(0)), model.Some(uint8(9)), model.Some(uint16(0)), model.Some(uint16(9)), model.Some(false), model.Some(true),
		model.Some(netip.Addr{}), model.Some(netip.MustParseAddr("10.0.0.2")), model.Some(model.MAC{}), model.Some(model.MAC{2}),
	} {
		values[reflect.TypeOf(v)] = append(values[reflect.TypeOf(v)], reflect.ValueOf(v))
	}
	seen := map[uint64]model.Object{}
	for _, kind := range []model.Object{model.Route{}, model.Neighbour{}, model.FDBEntry{}} {
		see(t, seen, kind)
		for i := range reflect.TypeOf(kind).NumField() {
			of := values[reflect.TypeOf(kind).Field(i).Type]
			if len(of) == 0 {
				t.Errorf("no values for the field %s of %T", reflect.TypeOf(kind).Field(i).Name, kind)
			}
			for _, v := range of {
				o := reflect.New(reflect.TypeOf(kind)).Elem()
				o.Field(i).Set(v)
				see(t, seen, o.Interface().(model.Object))
			}
		}
	}
	see(t, seen, model.Link{Name: "br0"})
	see(t, seen, model.Link{Name: "br0", MTU: model.Some[uint32](1400)})
}

func see(t *testing.T, seen map[uint64]model.Object, o model.Object) {
	t.Helper()
	d := model.DigestOf(o, false)
	if other, ok := seen[d.Object]; ok {
		t.Errorf("%+v and %+v have the same digest", o, other)
	}
	seen[d.Object] = o
}

// TestDigestOfFree says that a free route is the same with either metric, and none that is
// not free.
func TestDigestOfFree(t *testing.T) {
	r := model.Route{Dst: netip.MustParsePrefix("10.0.0.0/24"), Table: model.TableMain}
	s := r
	s.Metric = model.SpreadMetric(r.Dst)
	if model.DigestOf(r, true) != model.DigestOf(s, true) {
		t.Error("a free route is another one with its other metric")
	}
	if model.DigestOf(r, true).Key == model.DigestOf(r, false).Key || model.DigestOf(r, false).Key == model.DigestOf(s, false).Key {
		t.Error("the metric of a route that isn't free doesn't count")
	}
}

// TestDigests makes those of a state at once: they are those of its objects, but for what it
// only refers to.
func TestDigests(t *testing.T) {
	s := &model.State{}
	want := map[model.Digest]bool{}
	put := func(i int, o model.Object, free bool) {
		e := model.Entry{Object: o, Free: free, Ref: i%3 == 0}
		s.Put(e)
		if !e.Ref {
			want[model.DigestOf(o, free)] = true
		}
	}
	for i := range 20 {
		ip := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		put(i, model.Route{Dst: netip.PrefixFrom(ip, 32), Table: model.TableMain}, i%2 == 0)
		put(i+1, model.Neighbour{Link: "vx0", IP: ip}, false)
		put(i+2, model.FDBEntry{Link: "vx0", MAC: model.MAC{1, byte(i)}}, false)
		put(i, model.Link{Name: "br" + string(rune('a'+i))}, false)
	}
	got := s.Digests()
	for _, d := range got {
		if !want[d] {
			t.Errorf("%v is of no object, or there twice", d)
		}
		delete(want, d)
	}
	if len(want) > 0 {
		t.Errorf("%d are missing", len(want))
	}
}
