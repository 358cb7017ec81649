package render

import (
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// Drawing is a picture of a topology, or of a change, before it is written as Mermaid,
// DOT or SVG. It is made once, by DrawingOf or ChangesOf; nothing in it is escaped.
type Drawing struct {
	Title   string
	Notes   []string // below the title
	Carrier []string // what joins the hosts: "vxlan", "VNI 42"; nil: it isn't drawn
	Plain   bool     // there is no overlay device: the hosts route by themselves (host-gw)
	Links   []*Link  // of the underlay
	Routed  bool     // a router joins the links
	Wires   []Wire   // between two hosts, where what becomes of them is drawn so
	Marked  bool     // it tells what changes
}

// Link is a link of the underlay with the hosts on it.
type Link struct {
	Subnets []string // none: not known
	Hosts   []*Host
	Direct  bool // hosts on it send each other plain packets, without the overlay
	More    int  // hosts that are not drawn
	Marked  int  // how many of these change
	links   int  // if not 0: of how many links these are, on none of which a host is drawn
}

// Host is a node of the topology.
type Host struct {
	Name       string
	Mark       Mark
	Underlay   []string // its device, if it is known, and its addresses
	Lines      []Line   // what else there is to say of it
	Endpoints  []*Box   // overlay devices: one, or while it is exchanged two; none where the host routes by itself
	Bridges    []*Bridge
	Namespaces []*Namespace
	Peers      []*Peer // of which something changes
	Joint      Mark    // what becomes of the ways to other hosts, here or there
}

// jointOf says what becomes of what joins one of the host's devices to the others.
func (h *Host) jointOf(device *Box) Mark {
	if device.Mark.weight() > Mark(diff.Update).weight() {
		return device.Mark
	}
	return h.Joint
}

// Box is something with a name.
type Box struct {
	Name  string
	Mark  Mark
	Lines []Line
}

// Line is a line of text in a box.
type Line struct {
	Text string
	Mark Mark
}

// Bridge is a bridge of a host.
type Bridge struct {
	Box
	Local bool // peers get no routes to it
}

// Namespace is a network namespace of a host.
type Namespace struct {
	Box
	Interfaces []*Interface
}

// Interface is a veth end in a namespace.
type Interface struct {
	Box
	Bridge string // its other end is a port of; "" for none
}

// Peer is what becomes of the way to another node.
type Peer struct {
	Name  string
	Mark  Mark
	Kinds []string // of the objects: "route", "neighbour", "fdb"
}

// Wire is what becomes of the way between two hosts.
type Wire struct {
	From, To string // names of hosts; To may be of one that is not drawn
	Mark     Mark
	Text     string
}

// Mark says what becomes of something that is drawn. Its value is the symbol that is
// printed: an action's, or Blocked. The zero Mark says that it stays as it is.
type Mark rune

// Blocked marks what cannot be had: something that is not ours is in the way.
const Blocked Mark = '!'

// marks lists the marks, as a legend does.
func marks() []Mark {
	return []Mark{Mark(diff.Create), Mark(diff.Update), Mark(diff.Replace), Mark(diff.Delete), Mark(diff.Adopt), Blocked}
}

// String returns the word for the mark, "" for the zero Mark.
func (m Mark) String() string {
	switch m {
	case 0:
		return ""
	case Blocked:
		return "blocked"
	}
	return diff.Action(m).String()
}

// symbol returns the symbol, "" for the zero Mark.
func (m Mark) symbol() string {
	if m == 0 {
		return ""
	}
	return string(rune(m))
}

// weight orders marks by what they mean to who looks at a whole.
func (m Mark) weight() int {
	switch m {
	case 0:
		return 0
	case Mark(diff.Adopt):
		return 1
	case Mark(diff.Update):
		return 2
	case Blocked:
		return 5
	case Mark(diff.Replace):
		return 4
	}
	return 3
}

// is takes in what becomes of the thing itself, of which there may be several objects:
// what is created here and deleted there is replaced.
func (m *Mark) is(a Mark) {
	if m.weight() == 3 && a.weight() == 3 && *m != a {
		*m = Mark(diff.Replace)
	}
	if a.weight() > m.weight() {
		*m = a
	}
}

// has takes in what becomes of a part of the thing.
func (m *Mark) has(a Mark) {
	if a == 0 {
		return
	}
	if a != Mark(diff.Adopt) && a != Blocked {
		a = Mark(diff.Update)
	}
	m.is(a)
}

// mixes takes in what becomes of one of several things of the same kind: where not the
// same becomes of all, they are updated as a whole.
func (m *Mark) mixes(a Mark) {
	switch {
	case *m == 0 || a == Blocked:
		*m = a
	case a != 0 && a != *m && *m != Blocked:
		*m = Mark(diff.Update)
	}
}

// line adds a line, or marks the one that is there.
func (b *Box) line(text string, m Mark) {
	b.Mark.has(m)
	b.Lines = withLine(b.Lines, text, m)
}

// withLine adds a line, or marks the one that is there: among the first, of which the
// drawing shows some.
func withLine(lines []Line, text string, m Mark) []Line {
	const first = 100
	for i := range lines[:min(len(lines), first)] {
		if lines[i].Text == text {
			lines[i].Mark.is(m)
			return lines
		}
	}
	return append(lines, Line{text, m})
}

// hosts yields all hosts that are drawn, link by link.
func (d *Drawing) hosts(yield func(*Host) bool) {
	for _, l := range d.Links {
		for _, h := range l.Hosts {
			if !yield(h) {
				return
			}
		}
	}
}
