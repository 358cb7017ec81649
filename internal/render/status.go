package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Status writes how a host that is watched is doing: the verdict in the first line, then
// what somebody has to look at, and last what is good to know.
func Status(w io.Writer, s *status.Status, o Options) error {
	t := &statusText{page: page{color: o.Color}, s: s}
	t.verdict()
	t.pending()
	t.held()
	t.drift()
	t.printf("\n")
	t.facts()
	t.peers()
	return t.writeTo(w)
}

// statusText is a status as it is printed.
type statusText struct {
	page
	s *status.Status
}

// verdict is the one line for whoever reads no other.
func (t *statusText) verdict() {
	s := t.s
	host, topology := s.Node, s.Topology
	if host == "" {
		host = "This host"
	}
	if topology == "" {
		topology = "its topology"
	}
	since := t.since(s.Since)
	switch s.State {
	case status.InSync:
		t.printf("%s matches %s %s%s.\n", t.paint(green, host), topology, since, t.revision())
	case status.Drifted:
		t.printf("%s from %s %s%s: %s.\n", t.paint(yellow, host+" differs"), topology, since, t.revision(), t.reason("it is left so"))
	case status.Repairing:
		t.printf("%s from %s %s%s, which is being put right: %s.\n", t.paint(yellow, host+" differs"), topology, since, t.revision(), t.reason("no more is known"))
	case status.Starting:
		t.printf("%s: nothing has been compared yet.\n", t.paint(yellow, host+" is being looked at"))
	case status.Waiting:
		t.printf("%s %s: %s.\n", t.paint(yellow, host+" has been waiting"), since, t.reason("for what must be there first"))
	case status.Unattended:
		t.printf("%s %s, and nothing is touched meanwhile: %s.\n", t.paint(yellow, "A change on "+host+" has been waiting to be confirmed"), since, t.reason("netplan-overlay confirm keeps it"))
	case status.Stopping:
		t.printf("%s: %s.\n", t.paint(yellow, "The process that watches "+host+" is about to end"), t.reason("the network stays as it is"))
	default:
		t.printf("%s since %s: %s.\n", t.paint(red, host+" could not be looked at, or put right,"), t.when(s.Since), t.reason("no more is known"))
	}
	if s.DryRun && !strings.Contains(s.Reason, "dry run") {
		t.printf("This is a dry run: nothing is changed.\n")
	}
}

// reason is the first line of why the state is what it is.
func (t *statusText) reason(unknown string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(t.s.Reason), "\n")
	if first == "" {
		return unknown
	}
	return strings.TrimSuffix(first, ".")
}

// revision is ", revision 3f2a1b0c9d8e (commit 0123456789ab)", or nothing.
func (t *statusText) revision() string {
	if t.s.Revision == nil {
		return ""
	}
	return ", " + revisionName(t.s.Revision)
}

func revisionName(r *status.Revision) string {
	s := "revision " + shortDigest(r.Digest)
	if r.Commit != "" {
		s += " (commit " + shortDigest(r.Commit) + ")"
	}
	return s
}

// shortDigest is as much of a digest as people compare.
func shortDigest(s string) string { return s[:min(len(s), 12)] }

// pending writes of a revision that isn't in force, and what to do.
func (t *statusText) pending() {
	p := t.s.Pending
	if p == nil {
		return
	}
	name := "the files' "
	if p.Digest == "" {
		name += "text"
	} else {
		name += revisionName(&p.Revision)
	}
	words := pendingWords(p.Why)
	t.printf("\n%s %s, %s: %s.\n", t.paint(yellow, "Not in force:"), name, t.since(p.Since), words.what)
	t.lines("    ", p.Detail)
	if t.s.Revision != nil {
		t.printf("  What was in force stays so. %s\n", words.do)
	} else {
		t.printf("  %s\n", words.do)
	}
}

// held writes of objects that are left alone: why, and what to do.
func (t *statusText) held() {
	l := t.s.Held
	if len(l) == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(yellow, "Left alone: "+count(len(l), "object")))
	for _, x := range folded(l, func(h status.Held) string { return string(h.Why) }) {
		if x.hidden > 0 {
			t.printf("  %s\n", others(x.hidden, "object")+" ("+string(x.item.Why)+")")
			continue
		}
		t.heldObject(&x.item)
	}
	for _, why := range status.HeldWhys() {
		if slices.ContainsFunc(l, func(h status.Held) bool { return h.Why == why }) {
			t.printf("  %s: %s\n", t.paint(bold, string(why)), heldWords(why))
		}
	}
}

func (t *statusText) heldObject(h *status.Held) {
	t.printf("  %s   %s %s", t.paint(bold, h.Object), string(h.Why), t.since(h.Since))
	if h.Tries > 0 {
		t.printf(", tried %s", countOf(h.Tries, "time", "times"))
	}
	if !h.Next.IsZero() {
		t.printf(", again at %s", t.clock(h.Next))
	}
	t.printf("\n")
	t.lines("      ", h.Detail)
}

// drift writes what differs at this moment.
func (t *statusText) drift() {
	l := t.s.Drift
	if len(l) == 0 {
		return
	}
	t.printf("\n%s %s\n", t.paint(yellow, "Differs: "+count(len(l), "object")+":"), byKind(l))
	var rows []row
	for _, x := range folded(l, func(d status.Drift) string { return d.Kind }) {
		if x.hidden > 0 {
			rows = append(rows, row{lead: " ", name: others(x.hidden, x.item.Kind)})
			continue
		}
		d := x.item
		rows = append(rows, row{lead: t.actionSymbol(d.Action), name: d.Object, text: strings.Join(d.Attrs, ", "), note: "since " + clean(t.clock(d.Since))})
	}
	t.rows("  ", rows)
}

// byKind is "2 links, 1 route".
func byKind(l []status.Drift) string {
	n := map[string]int{}
	var kinds []string
	for _, d := range l {
		if n[d.Kind]++; n[d.Kind] == 1 {
			kinds = append(kinds, d.Kind)
		}
	}
	for i, k := range kinds {
		kinds[i] = count(n[k], k)
	}
	return strings.Join(kinds, ", ")
}

// lines writes a text of several lines, indented.
func (t *statusText) lines(indent, text string) {
	const most = 20
	l := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range l {
		if i == most {
			t.printf("%s... and %s\n", indent, countOf(len(l)-most, "more line", "more lines"))
			return
		}
		if line != "" {
			t.printf("%s%s\n", indent, line)
		}
	}
}

// numbered is fmt.Sprintf("%d", n) with the noun, for counters.
func numbered(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
