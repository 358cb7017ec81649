package render

import (
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// fewNames is how many names stand for more.
const fewNames = 3

// Hosts returns how many hosts are drawn.
func (d *Drawing) Hosts() int {
	n := 0
	for range d.hosts {
		n++
	}
	return n
}

// Fold returns the drawing with at most so many hosts: those first that change, and of
// these those first that change themselves, not only their ways to others. Of the rest
// it says how many there are.
func (d *Drawing) Fold(keep int) *Drawing {
	total := d.Hosts()
	if total <= keep {
		return d
	}
	stays := map[*Host]bool{}
	for _, level := range []int{2, 1, 0} {
		for h := range d.hosts {
			if h.level() == level && len(stays) < keep {
				stays[h] = true
			}
		}
	}
	folded := *d
	folded.Links = nil
	rest := &Link{}
	links := 0
	for _, l := range d.Links {
		f := l.fold(stays)
		if len(f.Hosts) > 0 {
			folded.Links = append(folded.Links, f)
			continue
		}
		links++
		rest.More += f.More
		rest.Marked += f.Marked
	}
	if rest.More > 0 {
		rest.links = links
		folded.Links = append(folded.Links, rest)
	}
	return &folded
}

func (l *Link) fold(stays map[*Host]bool) *Link {
	f := *l
	f.Hosts = nil
	for _, h := range l.Hosts {
		switch {
		case stays[h]:
			f.Hosts = append(f.Hosts, h)
		default:
			f.More++
			if h.Mark != 0 {
				f.Marked++
			}
		}
	}
	return &f
}

// telling returns so many of the items, in their order: those first that tell most.
// mark says what becomes of an item; the result's is what becomes of the others.
func telling[T any](l []T, keep int, mark func(T) Mark) (kept []T, rest Mark) {
	if len(l) <= keep {
		return l, 0
	}
	free := keep
	for _, x := range l {
		if mark(x) != 0 && free > 0 {
			free--
		}
	}
	marked := keep - free
	for _, x := range l {
		switch m := mark(x); {
		case m != 0 && marked > 0:
			marked--
			kept = append(kept, x)
		case m == 0 && free > 0:
			free--
			kept = append(kept, x)
		default:
			rest.is(m)
		}
	}
	return kept, rest
}

// level is 2 for a host that changes itself, 1 for one of which only the ways to others
// do, and 0 for one that stays as it is.
func (h *Host) level() int {
	own := h.Mark != 0 && h.Mark != Mark(diff.Update)
	for _, l := range h.Lines {
		own = own || l.Mark != 0
	}
	for _, e := range h.Endpoints {
		own = own || e.Mark != 0
	}
	for _, b := range h.Bridges {
		own = own || b.Mark != 0
	}
	for _, n := range h.Namespaces {
		own = own || n.Mark != 0
	}
	switch {
	case own:
		return 2
	case h.Mark != 0:
		return 1
	}
	return 0
}

// foldParts leaves out what is too much of one kind in a host.
func (h *Host) foldParts(keep int) {
	h.Lines = foldLines(h.Lines, keep)
	for _, e := range h.Endpoints {
		e.Lines = foldLines(e.Lines, keep)
	}
	if n := len(h.Namespaces); n > keep {
		kept, rest := telling(h.Namespaces, keep, func(n *Namespace) Mark { return n.Mark })
		h.Namespaces = kept
		h.Lines = append(h.Lines, Line{andMore(n-keep, "namespace"), rest})
	}
	for _, n := range h.Namespaces {
		n.Lines = foldLines(n.Lines, keep)
		n.foldInterfaces(keep)
	}
	if n := len(h.Bridges); n > keep {
		kept, rest := telling(h.Bridges, keep, func(b *Bridge) Mark { return b.Mark })
		h.dropBridges(kept)
		h.Lines = append(h.Lines, Line{andMore(n-keep, "bridge"), rest})
	}
	for _, b := range h.Bridges {
		b.Lines = foldLines(b.Lines, keep)
	}
}

// dropBridges leaves out bridges, and what says that an interface is on one of them.
func (h *Host) dropBridges(kept []*Bridge) {
	stays := map[string]bool{}
	for _, b := range kept {
		stays[b.Name] = true
	}
	h.Bridges = kept
	for _, n := range h.Namespaces {
		for _, i := range n.Interfaces {
			if !stays[i.Bridge] {
				i.Bridge = ""
			}
		}
	}
}

func (n *Namespace) foldInterfaces(keep int) {
	if more := len(n.Interfaces) - keep; more > 0 {
		kept, rest := telling(n.Interfaces, keep, func(i *Interface) Mark { return i.Mark })
		n.Interfaces = kept
		n.Lines = append(n.Lines, Line{andMore(more, "interface"), rest})
	}
	for _, i := range n.Interfaces {
		i.Lines = foldLines(i.Lines, keep)
	}
}

// foldLines leaves so many lines, and says how many more there are.
func foldLines(l []Line, keep int) []Line {
	if len(l) <= keep+1 {
		return l
	}
	kept, rest := telling(l, keep, func(l Line) Mark { return l.Mark })
	return append(slices.Clip(kept), Line{andMore(len(l)-keep, "line"), rest})
}

// about tells what there is to say of a host beside its boxes; what wires tell is left
// to them.
func (d *Drawing) about(h *Host) []Line {
	if len(d.Wires) > 0 {
		return h.Lines
	}
	return slices.Concat(h.Lines, h.peerLines())
}

// needsPort says whether a host without devices of the overlay takes a box of its own:
// for the overlay to lead to, or to be seen at all.
func (d *Drawing) needsPort(h *Host) bool {
	return len(h.Endpoints) == 0 && (len(d.Carrier) > 0 || len(h.Bridges)+len(h.Namespaces) == 0)
}

// placeholder stands in a host of which there is nothing else to draw.
func (d *Drawing) placeholder() string {
	switch {
	case d.Plain:
		return "routes"
	case len(d.Wires) > 0:
		return "its ways to peers"
	}
	return "host"
}

// peerLines tells what becomes of the ways to peers, those alike in one line.
func (h *Host) peerLines() []Line {
	type class struct {
		mark Mark
		text string
	}
	names := map[class][]string{}
	var order []class
	for _, p := range h.Peers {
		c := class{p.Mark, p.text()}
		if names[c] == nil {
			order = append(order, c)
		}
		names[c] = append(names[c], p.Name)
	}
	var l []Line
	for _, c := range order {
		slices.SortFunc(names[c], naturally)
		noun := choose(len(names[c]) == 1, "peer ", "peers ")
		l = append(l, Line{noun + someNames(names[c], "peer") + ": " + c.text, c.mark})
	}
	return foldLines(l, fewOthers)
}

// someNames lists names: "vm1, vm2, vm3 and 996 more".
func someNames(names []string, noun string) string {
	if len(names) <= fewAlike {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:fewNames], ", ") + " and " + count(len(names)-fewNames, "more "+noun)
}

// andMore returns "and 980 more hosts".
func andMore(n int, noun string) string { return "and " + count(n, "more "+noun) }

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
