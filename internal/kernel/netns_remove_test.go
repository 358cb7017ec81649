package kernel

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Namespaces that are removed together are unmounted first, and then their files go.
// Whichever of these requests is refused, the errors say which are gone and which not, and
// what is half gone can be removed, or made again.
func TestNetnsGoTogether(t *testing.T) {
	s := newSim(t)
	var l []model.Object
	for _, name := range []string{"a", "b", "c"} {
		l = append(l, model.Netns{Name: name, Alias: some(sampleAlias)})
	}
	for _, x := range []struct {
		refused []int
		want    string
		unknown int // of the failed ones
	}{
		{nil, "...", 0},
		{[]int{0}, "x--", 0}, {[]int{1}, ".x-", 0}, {[]int{2}, "..x", 0},
		{[]int{3}, "x..", 0}, {[]int{4}, ".x.", 0}, {[]int{5}, "..x", 0},
		{[]int{3, 4, 5}, "xxx", 2}, {[]int{1, 3}, ".x-", 0}, {[]int{1, 2}, "xx-", 0},
	} {
		s.all(s.Host, model.OpCreate, l...) // in place of what is half gone
		o, n := s.opts, 0
		o.OnWrite = func() error {
			n++
			if slices.Contains(x.refused, n-1) {
				return unix.EIO
			}
			return nil
		}
		errs := s.all(s.open(o), model.OpDelete, l...)
		unknown := 0
		for i, err := range errs {
			if _, there := s.get(l[i].Key()); err == nil && there {
				t.Errorf("without requests %v: %s is there still", x.refused, l[i].Key())
			}
			if errors.Is(err, ErrUnknown) {
				unknown++
			}
		}
		if got := outcome(errs); got != x.want || unknown != x.unknown {
			t.Errorf("without requests %v: got %s, of which %d are not known, want %s, %d: %v", x.refused, got, unknown, x.want, x.unknown, errs)
		}
		if got := outcome(s.all(s.Host, model.OpDelete, l...)); got != "..." {
			t.Errorf("without requests %v, and again: got %s", x.refused, got)
		}
	}
}

// Many more go than are unmounted at a time.
func TestManyNetnsGo(t *testing.T) {
	s := newSim(t)
	var l []model.Object
	for i := range 2*unmountedTogether + 1 {
		l = append(l, model.Netns{Name: fmt.Sprint("n", i), Alias: some(sampleAlias)})
	}
	for _, op := range []model.Op{model.OpCreate, model.OpDelete} {
		if err := errors.Join(s.all(s.Host, op, l...)...); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := s.Netns(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d are left: %v", len(left), err)
	}
}
