package main

import (
	"fmt"
	"strings"
	"time"
)

// kernelPart is what a plan takes to look at the host and to compare.
func (r *results) kernelPart(part string, n int) time.Duration {
	var d time.Duration
	for _, room := range []string{"facts", "observe", "diff"} {
		d += r.get(part, n, "room "+room).time()
	}
	return d
}

const foreignHead = `
## Hosts that others use, too

A plan with nothing to do, with vxlan peers, beside what others have on the host: routes in the main table, permanent neighbours
on the underlay device, ends of veths. Its kernel part is what it takes to look at the host and to compare, measured by itself:
a plan lists links and routes while it reads the file. The floor are bare dumps of the same on the same host: of all links and
addresses, and, filtered by the kernel, of the routes of the protocol 157 and the device's neighbours and FDB entries.
`

func (r *results) foreign(b *strings.Builder) {
	var rows []string
	for _, n := range r.sizes("foreign") {
		for _, l := range loads() {
			s, part, dumps := r.get("foreign", n, l.name), r.get("foreign", n, l.name+kernelWay), r.get("foreign", n, l.name+dumpsWay)
			rows = append(rows, row(number(n), l.name, cell(s), ratio(s, r.get("foreign", n, "none")), cell(part), cell(dumps), ratio(part, dumps)))
		}
	}
	if len(rows) > 0 {
		b.WriteString(foreignHead)
	}
	table(b, "peers | of others | `plan` | ratio | kernel part | floor: bare dumps | to the floor", rows)
	r.anew(b)
}

const anewHead = `
All is removed there, and made again: with our devices, what others have on them would go, and so would routes that prefer
one of our addresses. To find these, all routes are listed, and those kept that this is about.
`

func (r *results) anew(b *strings.Builder) {
	var rows []string
	for _, n := range r.sizes("foreign") {
		for _, l := range loads() {
			cells := []string{number(n), l.name}
			for _, way := range []string{anewWay, awayWay} {
				s := r.get("foreign", n, l.name+way)
				cells = append(cells, cell(s), ratio(s, r.get("foreign", n, "none"+way)), mebibytes(s))
			}
			rows = append(rows, row(cells...))
		}
	}
	if len(rows) > 0 {
		b.WriteString(anewHead)
	}
	table(b, "peers | of others | `apply` from nothing | ratio | most memory | `destroy` | ratio | most memory", rows)
}

func (r *results) crowd(b *strings.Builder) {
	var rows []string
	for _, n := range r.sizes("namespaces") {
		get := func(way string) *series { return r.get("namespaces", n, way) }
		rows = append(rows, row(number(n), cell(get("apply")), cell(get("ip, making")), ratio(get("ip, making"), get("apply")),
			cell(get("plan")), cell(get("destroy")), cell(get("ip, removing")), ratio(get("ip, removing"), get("destroy"))))
	}
	if len(rows) > 0 {
		b.WriteString("\n## Many namespaces\n\nEach has a veth to the same bridge, an address and a default route. By `ip`: one batch for what is outside of the\nnamespaces, and one more process for what is inside of each.\n")
	}
	table(b, "namespaces | `apply` | by `ip` | times faster | `plan` | `destroy` | by `ip` | times faster", rows)
}

func (r *results) left(b *strings.Builder) {
	if len(r.Left) == 0 {
		return
	}
	b.WriteString("\n## What could not be measured\n\n")
	for _, why := range r.Left {
		fmt.Fprintf(b, "- %s\n", why)
	}
}

// quoted are the numbers of others that are not run here.
const quoted = `
## Quoted, not measured here

These were measured before on another machine of this kind (2 processors, Linux 6.18), in single runs, when the program was
designed: flannel by driving its backends, ifstate and netplan by their commands. They need what this measurement does not
set up: a daemon with its store, a Python environment, a system started by systemd.

| what | peers | time |
|---|---|---|
| flannel v0.28.9, host-gw, from nothing | 4,000 | 19.4 s |
| flannel v0.28.9, host-gw, again with nothing to do | 4,000 | 50.5 s |
| flannel v0.28.9, vxlan, from nothing | 4,000 | 0.61 s |
| flannel v0.28.9, vxlan, again with nothing to do | 4,000 | 0.54 s |
| ifstate 1.13, from nothing | 1,000; 5,000 | 1.6 s; 7.1 s |
| ifstate 1.13, check with nothing to do | 1,000; 5,000 | 1.1 s; 6.3 s |
| ifstate 1.13, one peer changed | 1,000; 5,000 | 1.1 s; 6.1 s |
| netplan apply | 1,000 | 2.1 s |
`
