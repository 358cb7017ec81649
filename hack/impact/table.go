package main

import (
	"fmt"
	"slices"
	"strings"
)

// large is the size from which on packets count as large.
const large = 1000

// lost says how many packets were lost in each run, of the flow that lost most among
// those that keep; dead says that nothing flowed any more at the end of one.
func lost(runs [][]loss, keep func(loss) bool) (packets []int, dead bool) {
	for _, run := range runs {
		most := 0
		for _, l := range run {
			if keep(l) {
				most, dead = max(most, l.Lost), dead || l.Dead
			}
		}
		packets = append(packets, most)
	}
	slices.Sort(packets)
	return packets, dead
}

func isSmall(l loss) bool { return l.Size < large }
func isLarge(l loss) bool { return l.Size >= large }
func isAny(loss) bool     { return true }

// cell is the median and the worst of what was lost.
func cell(runs [][]loss, keep func(loss) bool) string {
	packets, dead := lost(runs, keep)
	switch {
	case dead:
		return "all"
	case len(packets) == 0:
		return "not measured"
	}
	median, worst := packets[len(packets)/2], packets[len(packets)-1]
	if median == worst {
		return fmt.Sprint(worst)
	}
	return fmt.Sprintf("%d, %d", median, worst)
}

// timed is cell with the time that the packets take to be sent.
func timed(runs [][]loss, rate int) string {
	packets, dead := lost(runs, isAny)
	switch {
	case dead:
		return "all"
	case len(packets) == 0:
		return "not measured"
	}
	median, worst := packets[len(packets)/2], packets[len(packets)-1]
	if worst == 0 {
		return "0"
	}
	s := fmt.Sprintf("%d (%d ms)", median, median*1000/rate)
	if worst > median {
		s += fmt.Sprintf(", worst %d", worst)
	}
	return s
}

// table writes rows of cells with Markdown's bars.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(head)))
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

// where says under which conditions something was measured.
func (c conditions) where() string {
	place := "On a machine"
	if c.VM {
		place = "In the virtual machine, which is emulated and slow"
	}
	return fmt.Sprintf("%s, Linux %s, %d packets a second of each flow", place, c.Kernel, c.Rate)
}
