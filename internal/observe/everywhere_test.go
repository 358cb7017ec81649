package observe

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What many namespaces have is taken in their order, up to the first that cannot be asked.
func TestEverywhere(t *testing.T) {
	broken := errors.New("permission denied")
	for _, x := range []struct {
		namespaces, bad int
		want            int
		err             error
	}{{0, -1, 0, nil}, {1, -1, 1, nil}, {200, -1, 200, nil}, {200, 130, 130, broken}, {200, 0, 0, broken}} {
		var names, want, got []string
		for i := range x.namespaces {
			name := fmt.Sprint("ns", i)
			names = append(names, name)
			if i < x.want {
				want = append(want, name+"/a", name+"/b")
			}
		}
		err := everywhere(names, func(ns string) ([]string, error) {
			if x.bad >= 0 && ns == names[x.bad] {
				return nil, broken
			}
			return []string{ns + "/a", ns + "/b"}, nil
		}, func(s string) { got = append(got, s) })
		if d := cmp.Diff(want, got); d != "" || !errors.Is(err, x.err) {
			t.Errorf("%d, of which %d cannot be asked: %v (-want +got):\n%s", x.namespaces, x.bad, err, d)
		}
	}
}
