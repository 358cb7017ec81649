package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// dropVar tells this test, in a process of its own, to drop capabilities; there, they are
// gone for good.
const dropVar = "NETPLAN_OVERLAY_TEST_DROP"

// The bounding set of each thread loses the capabilities: of those that wait, of those that
// compute, and of those that begin meanwhile. The rest stays.
func TestBoundingOfAllThreads(t *testing.T) {
	if os.Getenv(dropVar) != "" {
		dropHere(t)
		return
	}
	needRoot(t)
	if linkedWithCgo() {
		if os.Getenv("CI") != "" {
			t.Fatal("the tests are linked with cgo; make runs them with CGO_ENABLED=0")
		}
		t.Skip("linked with cgo: run with CGO_ENABLED=0, as make does")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestBoundingOfAllThreads$", "-test.v")
	cmd.Env = append(os.Environ(), dropVar+"=yes")
	if b, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(b), "--- PASS: TestBoundingOfAllThreads") {
		t.Errorf("%v\n%s", err, b)
	}
}

func dropHere(t *testing.T) {
	before, err := boundingSet()
	if err != nil {
		t.Fatal(err)
	}
	const keep = CapNetAdmin | CapSysAdmin
	var done sync.WaitGroup
	end := make(chan struct{})
	defer done.Wait()
	defer close(end)
	done.Go(func() { compute(end) })
	done.Go(func() { multiply(&done, end) })
	if err := emptyBounding(keep); err != nil {
		t.Fatal(err)
	}
	multiply(&done, end)
	want := fmt.Sprintf("%016x", uint64(before&keep))
	if got := boundingSets(t); len(got) != 1 || got[want] < 100 {
		t.Errorf("threads by their bounding sets: %v; want all with %s", got, want)
	}
}

// multiply begins threads, until there are many: a goroutine that is tied to one makes it
// the runtime's turn to begin another.
func multiply(done *sync.WaitGroup, end <-chan struct{}) {
	for range 100 {
		begun := make(chan struct{})
		done.Go(func() { runtime.LockOSThread(); close(begun); <-end; runtime.UnlockOSThread() })
		<-begun
	}
}

func compute(end <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-end:
			return
		default:
			n *= 3
		}
	}
}

// boundingSets counts the threads of this process by their sets.
func boundingSets(t *testing.T) map[string]int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		if m := regexp.MustCompile(`(?m)^CapBnd:\s*(\S+)$`).FindSubmatch(b); m != nil {
			sets[string(m[1])]++
		}
	}
	return sets
}
