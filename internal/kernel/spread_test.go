package kernel

import (
	"sync/atomic"
	"testing"
)

// Whatever many there are, each number comes once.
func TestSpread(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		came := make([]atomic.Int32, n)
		Spread(n, func(i int) { came[i].Add(1) })
		for i := range came {
			if got := came[i].Load(); got != 1 {
				t.Errorf("of %d, number %d came %d times", n, i, got)
			}
		}
	}
}
