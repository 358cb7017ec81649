// Package garbage says how much memory that nobody needs may lie about.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
)

// beside is how much may lie beside what is in use, in percent, before it is collected. Go's
// own 100 takes a fifth more memory for large fleets; less of it would cost time.
const beside = 33

// early is what holds until something was collected: for the first time that is when the heap
// has grown to this part of 4 MiB (https://go.dev/doc/gc-guide), to which the heap of a small
// fleet never grows. To collect again and again on the way there would take a fifth of the
// time.
const early = 550

// sooner is early for who removes all that a host has: of what that takes, much is thrown away
// at once, and the rest is most of it.
const sooner = 300

// CollectLate lets garbage lie for a while in this process, which plans for one host, as far as
// nobody has said how much (GOGC). It is called once.
func CollectLate() { collect(early) }

// CollectSooner is CollectLate for who plans to remove everything.
func CollectSooner() { collect(sooner) }

// collect lets garbage lie until there is that much, in percent of 4 MiB, and from then on less.
func collect(first int) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(first)
	nothing := new([32]byte) // nobody needs it: it is among the first that is collected
	runtime.AddCleanup(nothing, func(percent int) { debug.SetGCPercent(percent) }, beside)
}
