package diff

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// Numbers, and what they stand for, come in the order that sorting has, however many runs there
// are.
func TestRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		for most := 1; most <= 64; most *= 4 {
			l := make([]int, n)
			for i := range l {
				l[i] = r.IntN(most)*100 + i // all differ; the fewer to choose from, the longer the runs
			}
			want := slices.Sorted(slices.Values(l))
			compare := func(i, j int32) int { return cmp.Compare(l[i], l[j]) }
			rearrange(l, inRuns(n, compare))
			if !slices.Equal(want, l) {
				t.Fatalf("want %v, got %v", want, l)
			}
		}
	}
}
