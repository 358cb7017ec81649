package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Spread calls f with each number below n, from one goroutine a processor. It is for what the
// kernel answers without a lock that namespaces have in common, as it lists addresses and
// routes: where it takes the one of all links (rtnl_lock, net/core/rtnetlink.c), several
// goroutines only wait for each other.
func Spread(n int, f func(i int)) { spread(n, runtime.GOMAXPROCS(0), f) }

// spread is Spread from so many goroutines.
func spread(n, width int, f func(i int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	var others sync.WaitGroup
	for range min(width, n) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
