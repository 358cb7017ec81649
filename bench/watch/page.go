package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

const latencyHead = `# How soon watch puts a host right

Written by ` + "`make bench-latency`" + `; [how it is measured](../bench/README.md).

The time from the return of the call that breaks the host to the moment at which it is as it was, in milliseconds. One
process breaks it by netlink requests of its own, hears by rtnetlink, and looks at the object in question again and again;
another one runs the loop of ` + "`watch`" + `, with no limit to how often it repairs the same object. Between two faults there is a
pause. Of faults that take many objects along, the time is over when the last one is back.

`

// latencyPage tells the results in Markdown.
func latencyPage(list []world, load string) string {
	var b strings.Builder
	b.WriteString(latencyHead)
	fmt.Fprintf(&b, "Measured on %s, %s, %d processors (%s), built with %s; load average before it: %s.\n",
		time.Now().UTC().Format(time.DateOnly), kernelRelease(), runtime.NumCPU(), processor(), runtime.Version(), load)
	for _, w := range list {
		w.section(&b)
	}
	return b.String()
}

func (w *world) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s, %d peers\n\n", w.Backend, w.Peers)
	if w.Polls > 0 {
		fmt.Fprintf(b, "By polling: `apply` in a loop with a pause of %v instead of `watch`, as a timer does it, %d times for each fault. With\na longer pause it takes half the difference longer on average.\n\n", pollEvery, w.Polls)
	}
	head, rule := "| fault | times | median | p90 | p99 | most |", "|---|---|---|---|---|---|"
	if w.Polls > 0 {
		head, rule = head+" by polling, median | ratio |", rule+"---|---|"
	}
	fmt.Fprintf(b, "%s\n%s\n", head, rule)
	var medians []time.Duration
	for _, m := range w.Measured {
		med := quantile(m.Times, 0.5)
		medians = append(medians, med)
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s |", m.Fault, len(m.Times), millis(med),
			millis(quantile(m.Times, 0.9)), millis(quantile(m.Times, 0.99)), millis(m.Times[len(m.Times)-1]))
		if len(m.Polled) > 0 {
			p := quantile(m.Polled, 0.5)
			fmt.Fprintf(b, " %s | %.0f |", millis(p), p.Seconds()/med.Seconds())
		}
		b.WriteString("\n")
	}
	sorted(medians)
	fmt.Fprintf(b, "\nThe median of these medians is %s ms.\n", millis(quantile(medians, 0.5)))
}

func kernelRelease() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(b))
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(l, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
