package model_test

import (
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A state yields its entries in the order of their keys, however they came in, and
// a copy changes alone.
func TestState(t *testing.T) {
	var s model.State
	if _, ok := s.Get(model.LinkKey("", "a")); ok || s.Len() != 0 {
		t.Error("the zero state is not empty")
	}
	for _, name := range []string{"c", "a", "b", "a"} {
		s.Put(model.Entry{Object: model.Link{Name: name}})
	}
	c := s.Clone()
	c.Remove(model.LinkKey("", "b"))
	c.Put(model.Entry{Object: model.Link{Name: "d"}})
	names := func(s *model.State) (l []string) {
		for e := range s.All() {
			l = append(l, e.Object.Key().Name)
		}
		return l
	}
	if got := names(&s); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the state has %v", got)
	}
	if got := names(c); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("the copy has %v", got)
	}
	for range s.All() {
		break // must not go on
	}
}
