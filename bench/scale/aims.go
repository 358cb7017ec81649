package main

import (
	"fmt"
	"strings"
	"time"
)

// aim is what the program is to reach: at most, or at least.
type aim struct {
	what  string
	bound float64
	least bool
	// values are what was measured, for each size: 0 is nothing.
	part  string
	value func(r *results, n int) float64
}

// aims are what was asked of the program when it was made fast.
func aims() []aim {
	var l []aim
	for _, part := range []string{"vxlan", "host-gw", "ipip"} {
		l = append(l,
			aim{"`apply` from nothing, to the floor of the writes", 1.3, false, part, times(part, "apply", "floor")},
			aim{"`ip -batch` and `bridge -batch`, to `apply`", 4, true, part, times(part, "ip -batch", "apply")},
			aim{"`apply` from nothing of 50,000 peers, to 10,000", 6, false, part, growth(part)},
			aim{"kernel part of a plan with nothing to do, to bare dumps", 1.5, false, part, kernelToDumps(part)},
			aim{"a plan with nothing to do, to yaml.v3", 2, false, part, times(part, "plan", "yaml")},
			aim{"a plan of one changed peer, to one with nothing to do", 1.1, false, part, times(part, "plan, one changed", "plan")},
			aim{"`apply` of one changed peer, to a plan with nothing to do", 1.1, false, part, times(part, "apply, one changed", "plan")},
			aim{"requests for one changed peer", 1, false, part, writes(part)},
		)
	}
	for _, command := range []string{"plan", "apply", "destroy"} {
		l = append(l,
			aim{fmt.Sprintf("memory of `%s` in MB, 10,000 peers", command), 40, false, "vxlan", peakAt(10_000, command)},
			aim{fmt.Sprintf("memory of `%s` in MB, 50,000 peers", command), 150, false, "vxlan", peakAt(50_000, command)},
		)
	}
	for _, x := range loads()[1:] {
		l = append(l, aim{"a plan beside " + x.name + " of others, to one without", 1.1, false, "foreign", times("foreign", x.name, "none")})
	}
	return l
}

// times is how much longer one way takes than another.
func times(part, a, b string) func(*results, int) float64 {
	return func(r *results, n int) float64 { return quotient(r.get(part, n, a).time(), r.get(part, n, b).time()) }
}

func quotient(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return a.Seconds() / b.Seconds()
}

func kernelToDumps(part string) func(*results, int) float64 {
	return func(r *results, n int) float64 { return quotient(r.kernelPart(part, n), r.get(part, n, "dump").time()) }
}

func growth(part string) func(*results, int) float64 {
	return func(r *results, n int) float64 {
		if n != 50_000 {
			return 0
		}
		return quotient(r.get(part, n, "apply").time(), r.get(part, 10_000, "apply").time())
	}
}

func writes(part string) func(*results, int) float64 {
	return func(r *results, n int) float64 { return float64(r.get(part, n, writesWay).time()) }
}

// peakAt is the most memory that any run of a command had with so many vxlan peers, in MB.
func peakAt(peers int, command string) func(*results, int) float64 {
	return func(r *results, n int) float64 {
		most := 0
		for _, what := range []string{"", ", nothing to do", ", one changed"} {
			most = max(most, r.get("vxlan", n, command+what).peak())
		}
		if n != peers {
			return 0
		}
		return float64(most) * 1024 / 1e6
	}
}

// aims writes what was asked, and what was measured.
func (r *results) aims(b *strings.Builder) {
	var rows []string
	for _, a := range aims() {
		var found []string
		reached := true
		for _, n := range r.sizes(a.part) {
			v := a.value(r, n)
			if v == 0 {
				continue
			}
			found = append(found, fmt.Sprintf("%.2f (%s)", v, number(n)))
			if a.least {
				reached = reached && v >= a.bound
			} else {
				reached = reached && v <= a.bound
			}
		}
		if len(found) == 0 {
			continue
		}
		bound, verdict := "at most", "yes"
		if a.least {
			bound = "at least"
		}
		if !reached {
			verdict = "no"
		}
		rows = append(rows, row(a.part, a.what, fmt.Sprintf("%s %.3g", bound, a.bound), strings.Join(found, ", "), verdict))
	}
	if len(rows) > 0 {
		b.WriteString("\n## What was asked\n\nRatios unless said otherwise; in brackets the number of peers.\n")
	}
	table(b, "part | what | asked | measured | reached", rows)
}
