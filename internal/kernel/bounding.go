package kernel

import (
	"errors"
	"math/bits"

	"golang.org/x/sys/unix"
)

// emptyBounding leaves but some capabilities in the set that programs could gain from, on
// each thread.
func emptyBounding(keep Capabilities) error {
	set, err := boundingSet()
	if err != nil {
		return err
	}
	return eachOf(set&^keep, func(n uintptr) error { return prctlAll(unix.PR_CAPBSET_DROP, n, 0) })
}

// boundingSet reads that of the calling thread; it is the same on all.
func boundingSet() (set Capabilities, err error) {
	for n := uintptr(0); n < 64; n++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, n, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // beyond the last one that this kernel has
		}
		if err != nil {
			return 0, err
		}
		set |= Capabilities(has) << n
	}
	return set, nil
}

// eachOf calls do with the number of each capability.
func eachOf(c Capabilities, do func(n uintptr) error) error {
	for ; c != 0; c &= c - 1 {
		if err := do(uintptr(bits.TrailingZeros64(uint64(c)))); err != nil {
			return err
		}
	}
	return nil
}
