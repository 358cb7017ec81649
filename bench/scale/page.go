package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const pageHead = `# How fast it is on large hosts

Written by ` + "`make bench`" + `; [how it is measured](../bench/README.md#scale).

Times are medians in milliseconds, each of the program's those of the whole process, from its start to its end. In brackets
is how often the median was measured. Ways that are compared took turns on the same host. The floor is a C program that sends
the same messages, made before its clock starts, or receives the same objects without looking into them: less than that
no program takes by this interface of the kernel.
`

// writePage writes the page and the plot.
func writePage(list []*results, page, plot string) error {
	r := merged(list)
	var b strings.Builder
	b.WriteString(pageHead)
	for _, x := range list {
		x.Machine.tell(&b)
	}
	fmt.Fprintf(&b, "\n![time over peers](%s)\n", filepath.Base(plot))
	r.aims(&b)
	for _, backend := range []string{"vxlan", "host-gw", "ipip"} {
		r.backend(&b, backend)
	}
	r.foreign(&b)
	r.crowd(&b)
	r.left(&b)
	b.WriteString(quoted)
	if err := os.WriteFile(plot, []byte(r.plot()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(page, []byte(b.String()), 0o644)
}

// merged are the series of all results; of what was measured twice, the first one.
func merged(list []*results) *results {
	all := &results{elsewhere: map[string]string{}}
	for i, r := range list {
		for _, s := range r.Series {
			if all.get(s.Part, s.N, s.Way) != nil {
				continue
			}
			all.Series = append(all.Series, s)
			if i > 0 && r.Machine.Kernel != list[0].Machine.Kernel {
				all.elsewhere[s.Part] = r.Machine.Kernel
			}
		}
		all.Left = append(all.Left, r.Left...)
	}
	return all
}

func (m machine) tell(b *strings.Builder) {
	versions := slices.DeleteFunc([]string{m.Program, m.Iproute2, m.CC}, func(s string) bool { return s == "" })
	fmt.Fprintf(b, "\nMeasured on %s, %s, %d processors (%s); load average before it: %s. %s.\n",
		m.Date, m.Kernel, m.Processors, m.Processor, m.Load, strings.Join(versions, "; "))
}

// table writes a table; its cells are those of a row joined by "|".
func table(b *strings.Builder, head string, rows []string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s |\n|%s\n", head, strings.Repeat("---|", strings.Count(head, "|")+1))
	for _, r := range rows {
		fmt.Fprintf(b, "| %s |\n", r)
	}
}

// row joins cells.
func row(cells ...string) string { return strings.Join(cells, " | ") }

// number is a number with its thousands apart.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// cell is a median, with how often it was measured.
func cell(s *series) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%s (%d)", millis(s.time()), len(s.Samples))
}

// ratio is how much longer the first takes.
func ratio(a, b *series) string {
	return share(quotient(a.time(), b.time()))
}

// share is a ratio; 0 is none.
func share(f float64) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f)
}

// backend writes the tables of a backend.
func (r *results) backend(b *strings.Builder, part string) {
	sizes := r.sizes(part)
	if len(sizes) == 0 {
		return
	}
	objects := "one object a peer: a route"
	if part == "vxlan" {
		objects = "three objects a peer: a neighbour, an FDB entry, a route"
	}
	fmt.Fprintf(b, "\n## %s\n\nFrom nothing, %s. The program makes the host's own devices as well.\nIts writes alone are what it takes from the first step that is done to the last one, with a note in its journal for each chunk.\n", part, objects)
	if kernel := r.elsewhere[part]; kernel != "" {
		fmt.Fprintf(b, "\nMeasured on %s: not comparable with the times of other parts.\n", kernel)
	}
	r.scratch(b, part, sizes)
	fmt.Fprintf(b, "\nA plan with nothing to do. Its kernel part is what it takes to look at the host and to compare; yaml.v3 is the time in which\nthat library reads the file, and does nothing with it.\n")
	r.idle(b, part, sizes)
	fmt.Fprintf(b, "\nThe parts of it, measured one after the other in a process that is as cold.\n")
	r.rooms(b, part, sizes)
	fmt.Fprintf(b, "\nOne peer has another address; and all is removed. The requests are those that change something, as the program counts\nthem; the ratio is to the plan with nothing to do.\n")
	r.changed(b, part, sizes)
	fmt.Fprintf(b, "\nThe most memory that a run of the program had.\n")
	r.memory(b, part, sizes)
	fmt.Fprintf(b, "\nThe time of the processors, user and system: on a machine that does other things, too, it tells more than the clock.\n")
	r.cpu(b, part, sizes)
}

func (r *results) scratch(b *strings.Builder, part string, sizes []int) {
	head := []string{"peers", "floor", "`apply`", "to the floor", "its writes alone", "to the floor", "`ip -batch`", "times faster", "a library call an object", "times faster"}
	var peers []string
	for _, name := range distribution {
		if slices.ContainsFunc(sizes, func(n int) bool { return r.get(part, n, name) != nil }) {
			peers = append(peers, name)
		}
	}
	head = append(head, peers...)
	head = append(head, "floor, all of one metric", "`ip -batch`, all of one metric")
	var rows []string
	for _, n := range sizes {
		get := func(way string) *series { return r.get(part, n, way) }
		cells := []string{number(n), cell(get("floor")), cell(get("apply")), ratio(get("apply"), get("floor")),
			cell(get("room write")), ratio(get("room write"), get("floor")),
			cell(get("ip -batch")), ratio(get("ip -batch"), get("apply")), cell(get("library")), ratio(get("library"), get("apply"))}
		for _, p := range peers {
			cells = append(cells, cell(get(p)))
		}
		rows = append(rows, row(append(cells, cell(get("floor, no metrics")), cell(get("ip -batch, no metrics")))...))
	}
	table(b, row(head...), rows)
}

// distribution are the peers from the distribution.
var distribution = [...]string{"systemd-networkd", "netplan", "ifupdown2"}

func (r *results) idle(b *strings.Builder, part string, sizes []int) {
	var rows []string
	for _, n := range sizes {
		get := func(way string) *series { return r.get(part, n, way) }
		rows = append(rows, row(number(n), cell(get("plan")), cell(get("yaml")), ratio(get("plan"), get("yaml")),
			millis(r.kernelPart(part, n)), cell(get("dump")), share(kernelToDumps(part)(r, n)), cell(get("apply, nothing to do"))))
	}
	table(b, "peers | `plan` | yaml.v3 | to yaml.v3 | kernel part | floor: bare dumps | to the floor | `apply`, nothing to do", rows)
}

func (r *results) rooms(b *strings.Builder, part string, sizes []int) {
	var rows []string
	for _, n := range sizes {
		cells := []string{number(n)}
		for _, room := range []string{"load", "facts", "expand", "observe", "diff"} {
			cells = append(cells, cell(r.get(part, n, "room "+room)))
		}
		rows = append(rows, row(cells...))
	}
	table(b, "peers | read the file | ask for facts | expand | observe | compare", rows)
}

func (r *results) changed(b *strings.Builder, part string, sizes []int) {
	var rows []string
	for _, n := range sizes {
		get := func(way string) *series { return r.get(part, n, way) }
		writes := "-"
		if s := get(writesWay); s != nil {
			writes = fmt.Sprint(int(s.time()))
		}
		rows = append(rows, row(number(n), writes, cell(get("plan, one changed")), ratio(get("plan, one changed"), get("plan")),
			cell(get("apply, one changed")), ratio(get("apply, one changed"), get("plan")), cell(get("destroy"))))
	}
	table(b, "peers | requests | `plan` | ratio | `apply` | ratio | `destroy`", rows)
}

func (r *results) memory(b *strings.Builder, part string, sizes []int) {
	var rows []string
	for _, n := range sizes {
		cells := []string{number(n)}
		for _, way := range []string{"apply", "plan", "apply, one changed", "destroy"} {
			cells = append(cells, mebibytes(r.get(part, n, way)))
		}
		rows = append(rows, row(cells...))
	}
	table(b, "peers | `apply` | `plan`, nothing to do | `apply`, one changed | `destroy`", rows)
}

// mebibytes is the most memory that any run had.
func mebibytes(s *series) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f MiB", float64(s.peak())/1024)
}

func (r *results) cpu(b *strings.Builder, part string, sizes []int) {
	var rows []string
	for _, n := range sizes {
		get := func(way string) time.Duration { return r.get(part, n, way).cpu() }
		rows = append(rows, row(number(n), millis(get("floor")), millis(get("apply")), share(quotient(get("apply"), get("floor"))),
			millis(get("ip -batch")), share(quotient(get("ip -batch"), get("apply"))),
			millis(get("plan")), millis(get("yaml")), share(quotient(get("plan"), get("yaml")))))
	}
	table(b, "peers | floor | `apply` | ratio | `ip -batch` | ratio | `plan`, nothing to do | yaml.v3 | ratio", rows)
}
