package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const impactText = `# What a change does to traffic

Each change of a plan has an impact, and a plan the worst of its changes; ` + "`apply --max-impact`" + ` refuses what is worse
than it allows.

| impact | a packet that flows while the change is made |
|---|---|
| none | is not lost |
| brief | may be lost, but others flow soon, whatever comes next in the plan |
| disruptive | is lost, and so are all others until a later change: of the same plan, of a peer that must agree, or never |

A host cannot see what its peers have been told already. Where both ends must agree, the plan supposes that the peer has
not changed yet: it is disruptive to give the overlay device another MAC, or to lead a route through an overlay device
that this very plan makes. If the device was there before (` + "`apply --phase prepare`" + ` made it on every host), the same
route is a brief change. An overlay device that goes away is disruptive if this very plan led its routes elsewhere, and
harms nothing if no route has led through it for longer. An address of a peer is another matter: it can have both for a
while, and the route to it is a brief change. A bridge, an overlay device or the host's end of a veth that gets another
name is only renamed as of Linux 6.2; older kernels make it anew.

## How it was measured

Two hosts, made of network namespaces, each with a bridge and a namespace. UDP packets flow between the two namespaces,
both ways, IPv4 and IPv6 each (ipip: IPv4), in flows of small packets (64 bytes) and of packets that fill the MTU. They
are numbered. ` + "`apply`" + ` makes one kind of change on one of the hosts, several times at full speed, then once in slow
motion: it pauses before each request to the kernel and after each step. The second host is never told.

What lost everything in slow motion is measured once at full speed.

- Measured **none**: nothing was ever lost.
- Measured **disruptive**: nothing flowed any more at the end, or what was lost in a row in slow motion grew by more than
  half a pause.
- Measured **brief**: anything between.

What somebody changed behind the tool's back is repaired with the same classes.

The numbers are packets that the flow lost which lost most: the median and the worst run, or one number where they are
the same. *All* means that nothing flowed any more some seconds after the end of the change. The test fails where a plan
announces less than what is measured. It may announce more: packets of one flow between two hosts see less than those of
a thousand between many, and what goes away with an address is whoever used it. Duplicate address detection is switched
off: with it, IPv6 addresses that are made again take one or two seconds more.

` + "`make impact`" + ` measures all this anew, and writes this page.

## What was measured
`

// impactPage is docs/impact.md.
func (r *results) impactPage() string {
	var b strings.Builder
	b.WriteString(impactText)
	for _, part := range split(r.changes, func(c change) conditions { return c.conditions }) {
		most := slices.MaxFunc(part, func(a, b change) int { return cmp.Compare(len(a.Runs), len(b.Runs)) })
		fmt.Fprintf(&b, "\n%s, pauses of %d ms. %s\n\n", most.where(), most.Pause, runsOf(most.Runs))
		var rows [][]string
		for _, c := range part {
			rows = append(rows, []string{c.Change, c.Announced, c.Measured, cell(c.Runs, isSmall), cell(c.Runs, isLarge), cell([][]loss{c.Slow}, isAny)})
		}
		b.WriteString(table([]string{"change", "announced", "measured", "small packets lost", "large packets lost", "in slow motion"}, rows))
	}
	return b.String()
}

const switchingText = `# Switching the backend of a running overlay

How many packets two hosts lose while they are switched from one backend to another, in three ways:

- **apply**: ` + "`apply`" + ` with the new topology on the first host, then on the second one. Where the first one sends what the
  second one does not understand yet, packets are lost until it does: here, that is as long as one run of the program
  takes; between real hosts, as long as it takes to come to the second one.
- **destroy and apply**: ` + "`destroy`" + ` on both, then ` + "`apply`" + ` on both. Whatever runs in the namespaces goes down with
  them, which is not in these numbers.
- **phases**: ` + "`apply --phase prepare`" + ` on both, ` + "`apply --phase commit`" + ` on both, then plain ` + "`apply`" + ` on both: each host accepts
  the new packets before any host sends them. That takes two devices side by side: where both have the same name, as
  derived from the same VNI, or the same one given in the file, the device is made anew at the commit.

UDP packets of 64 and of 1500 bytes flow both ways between namespaces of the two hosts. The numbers are what the flow lost
that lost most, and for how long that is: the median of the runs, and the worst one. ` + "`make impact`" + ` measures all this
anew, and writes this page.

A packet or two of those of 1500 bytes are lost where the new backend has less room: that is how the sender learns of it
(path MTU discovery).
`

// switchingPage is docs/switching.md.
func (r *results) switchingPage() string {
	var b strings.Builder
	b.WriteString(switchingText)
	for _, part := range split(r.switches, func(s switching) conditions { return s.conditions }) {
		fmt.Fprintf(&b, "\n%s. %s\n\n", part[0].where(), runsOf(part[0].Runs))
		ways := unique(part, func(s switching) string { return s.Way })
		var rows [][]string
		for _, pair := range unique(part, func(s switching) [2]string { return [2]string{s.From, s.To} }) {
			row := []string{pair[0], pair[1]}
			for _, way := range ways {
				i := slices.IndexFunc(part, func(s switching) bool { return s.From == pair[0] && s.To == pair[1] && s.Way == way })
				if i < 0 {
					row = append(row, "not measured")
					continue
				}
				row = append(row, timed(part[i].Runs, part[i].Rate))
			}
			rows = append(rows, row)
		}
		b.WriteString(table(append([]string{"from", "to"}, ways...), rows))
	}
	return b.String()
}

func runsOf(runs [][]loss) string {
	if len(runs) == 1 {
		return "One run."
	}
	return fmt.Sprintf("%d runs.", len(runs))
}

// split parts a list by what it was measured under, in the order of first appearance.
func split[T any](l []T, of func(T) conditions) [][]T {
	var parts [][]T
	for _, c := range unique(l, of) {
		parts = append(parts, slices.DeleteFunc(slices.Clone(l), func(v T) bool { return of(v) != c }))
	}
	return parts
}

// unique returns what of says of each element, once, in the order of first appearance.
func unique[T any, K comparable](l []T, of func(T) K) []K {
	var keys []K
	for _, v := range l {
		if k := of(v); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}
