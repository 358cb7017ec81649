package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has taken so far, over all its threads.
type usage struct {
	wakes   uint64        // times that a thread has gone to sleep of itself: voluntary_ctxt_switches
	cpu     time.Duration // sum_exec_runtime
	threads int
	files   int
}

// usageOf reads it. What a thread took that has ended is lost; Go's don't end.
func usageOf(pid int) (usage, error) {
	var u usage
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(tasks) == 0 {
		return u, fmt.Errorf("process %d is not there", pid)
	}
	u.threads = len(tasks)
	for _, t := range tasks {
		u.wakes += field(filepath.Join(t, "status"), "voluntary_ctxt_switches")
		b, err := os.ReadFile(filepath.Join(t, "schedstat")) // ran, waited, times
		if err != nil {
			return u, err
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, _ := strconv.ParseUint(ran, 10, 64)
		u.cpu += time.Duration(ns)
	}
	fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	u.files = len(fds)
	return u, nil
}

// field reads a number of a file of lines like "VmRSS:   123 kB".
func field(path, name string) uint64 {
	b, _ := os.ReadFile(path)
	for l := range strings.Lines(string(b)) {
		if key, value, _ := strings.Cut(l, ":"); key == name {
			first, _, _ := strings.Cut(strings.TrimSpace(value), " ")
			n, _ := strconv.ParseUint(first, 10, 64)
			return n
		}
	}
	return 0
}

// memory is what a process has resident, in KiB: all, its share of it, and the most of all.
func memory(pid int) (rss, pss, peak uint64) {
	rollup := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	return field(rollup, "Rss"), field(rollup, "Pss"), field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM")
}

// forgetPeak makes the most be what there is now (proc_pid_clear_refs(5)).
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func mib(kib uint64) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }
