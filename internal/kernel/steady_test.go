package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A list is what was read in peace; and where there is none, what any reading had that is
// still there.
func TestWhole(t *testing.T) {
	entry := func(n byte, dst string) model.FDBEntry {
		return model.FDBEntry{Link: "vx0", MAC: model.MAC{2, 0, 0, 0, 0, n}, Dst: someAddr(dst)}
	}
	a, b, c, moved, gone := entry(1, "192.0.2.1"), entry(2, "192.0.2.2"), entry(3, "192.0.2.3"), entry(3, "192.0.2.9"), entry(4, "192.0.2.4")
	broken := errors.New("no such device")
	type reading struct {
		rows  []model.FDBEntry
		quiet bool
		err   error
	}
	for _, x := range []struct {
		name     string
		readings []reading // the last one again and again
		want     []model.FDBEntry
		looked   int
		err      error
	}{
		{"quiet at once", []reading{{rows: []model.FDBEntry{a, b}, quiet: true}}, []model.FDBEntry{a, b}, 0, nil},
		{"quiet at last", []reading{{rows: []model.FDBEntry{a, gone}}, {rows: []model.FDBEntry{b}}, {rows: []model.FDBEntry{a, b, c}, quiet: true}}, []model.FDBEntry{a, b, c}, 0, nil},
		{"never quiet", []reading{{rows: []model.FDBEntry{a, c, gone}}, {rows: []model.FDBEntry{a, b, a}}}, []model.FDBEntry{a, b, moved}, 2, nil},
		{"an error", []reading{{rows: []model.FDBEntry{a}}, {err: broken}}, nil, 0, broken},
	} {
		at, looked := 0, 0
		got, err := whole(func(f func(model.FDBEntry)) (bool, error) {
			r := x.readings[min(at, len(x.readings)-1)]
			at++
			for _, o := range r.rows {
				f(o)
			}
			return !r.quiet, r.err
		}, func(o model.FDBEntry) (model.Object, error) {
			looked++
			switch o.Key() {
			case c.Key():
				return moved, nil
			case gone.Key():
				return nil, nil
			}
			return nil, fmt.Errorf("%s was looked up", o.Key())
		})
		if d := cmp.Diff(x.want, got, cmpopts.EquateComparable(model.FDBEntry{})); d != "" || looked != x.looked || !errors.Is(err, x.err) {
			t.Errorf("%s: %d were looked up, want %d; %v, want %v (-want +got):\n%s", x.name, looked, x.looked, err, x.err, d)
		}
	}
}

// TestRestlessTable lists FDB entries while others come and go, some at a time: two readings
// leave out the same ones now and then, in some of a hundred tries.
func TestRestlessTable(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	s.batch("bridge", lasting, "fdb add 02:00:00:00:HEX dev vx0 dst 192.0.2.9")
	var come, leave []model.Step
	for i := range byte(10) {
		f := model.FDBEntry{Link: "vx0", MAC: model.MAC{2, 0, 0, 1, 0, i}, Dst: someAddr("192.0.2.8")}
		come, leave = append(come, model.Step{Op: model.OpCreate, After: f}), append(leave, model.Step{Op: model.OpDelete, Before: f})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	other := s.open(s.opts)
	go func() {
		var errs []error
		for ctx.Err() == nil && errors.Join(errs...) == nil {
			errs = append(other.Do(context.Background(), come), other.Do(context.Background(), leave)...)
		}
		done <- errors.Join(errs...)
	}()
	for range 100 {
		entries, err := objects(s.FDB(s.Context(), "", "vx0"))
		if got := s.staying(entries); err != nil || got != lasting {
			t.Errorf("%d FDB entries that are always there are listed, want %d: %v", got, lasting, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTableOfANamespace reads the routes of a named namespace: nobody has to watch over a
// table that comes in one piece, and somebody does over one that doesn't.
func TestTableOfANamespace(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue", LoUp: some(true)})
	for _, x := range []struct {
		routes  int
		watched bool
	}{{3, false}, {400, true}} {
		want := map[netip.Prefix]bool{}
		for i := range x.routes {
			dst := prefix(fmt.Sprintf("2001:db8:%x::/48", i+1))
			want[dst] = true
			_ = s.do(model.OpCreate, nil, model.Route{Netns: "blue", Dst: dst, Table: model.TableMain, Dev: some("lo"), Protocol: some(model.MarkProtocol)}) // may be there
		}
		h := s.open(s.opts)
		list, err := h.Routes(t.Context(), "blue")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			delete(want, r.Dst)
		}
		blue, err := h.space("blue")
		if watched := blue.news != nil; err != nil || len(want) > 0 || watched != x.watched {
			t.Errorf("of %d routes, %d are missing; watched over: %v, want %v: %v", x.routes, len(want), watched, x.watched, err)
		}
	}
}
