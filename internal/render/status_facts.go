package render

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// facts writes what is good to know of a host, whatever its state: a line each.
func (t *statusText) facts() {
	s := t.s
	if s.Revision != nil {
		note := ""
		if s.Revision.Restore {
			note = "; it is the last good one that was kept on disk"
		}
		t.fact("objects", fmt.Sprintf("%d, in force %s%s", s.Objects, t.since(s.Revision.Since), note))
	}
	t.fact("last change", t.lastChange())
	t.fact("files", t.files())
	t.fact("watched", fmt.Sprintf("%s by process %d, version %s", t.since(s.Started), s.PID, s.Version))
	t.fact("looked at", t.looks())
	t.fact("so far", t.counters())
}

func (t *statusText) fact(name, text string) {
	t.printf("%s  %s\n", t.paint(faint, name+pad(11-len(name))), text)
}

// lastChange is "14:04:11 (2 h): create route default in ns245 (drift, 3.0 ms)".
func (t *statusText) lastChange() string {
	c := t.s.Last
	if c == nil {
		return "none"
	}
	line := fmt.Sprintf("%s: %s %s", t.when(c.Time), c.Action, c.Object)
	if len(c.Attrs) > 0 {
		line += ": " + strings.Join(c.Attrs, ", ")
	}
	line += " (" + cmp.Or(c.Reason, "unknown")
	if c.Impact != "" && c.Impact != model.ImpactNone.String() {
		line += ", impact " + c.Impact
	}
	return line + ", " + took(c.Duration) + ")"
}

func (t *statusText) files() string {
	list := cmp.Or(fileList(t.s.Source.Paths), "none")
	if t.s.Source.OK {
		return list
	}
	first, more, _ := strings.Cut(strings.TrimSpace(t.s.Source.Error), "\n")
	switch {
	case first == "":
		return list + ": not read yet"
	case more != "":
		first += " ..."
	}
	return fmt.Sprintf("%s: cannot be used %s: %s", list, t.since(t.s.Source.Since), first)
}

func (t *statusText) looks() string {
	if t.s.Passes.Full.IsZero() {
		return "not yet"
	}
	line := "in full at " + t.when(t.s.Passes.Full)
	if t.s.Passes.Last.After(t.s.Passes.Full) {
		line += ", in part at " + t.when(t.s.Passes.Last)
	}
	return line + ", every " + span(t.s.Limits.FullPass) + " anyway"
}

// counters is what has happened since the process began, in short.
func (t *statusText) counters() string {
	c := &t.s.Counters
	l := []string{numbered(total(c.Changes), "change", "changes"), "drift of " + numbered(total(c.Drift), "object", "objects") + t.driftKinds()}
	looks := numbered(total(c.Passes), "look", "looks")
	if n := total(c.Failures); n > 0 {
		looks += fmt.Sprintf(" (%d failed)", n)
	}
	events := fmt.Sprintf("%s (%d of ours)", numbered(c.Events, "kernel event", "kernel events"), c.Relevant)
	l = append(l, looks, events)
	if c.Overruns > 0 {
		l = append(l, numbered(c.Overruns, "overrun", "overruns"))
	}
	if c.Contested > 0 {
		l = append(l, numbered(c.Contested, "contest given up", "contests given up"))
	}
	return strings.Join(l, ", ")
}

// driftKinds is " (3 link, 1 route)".
func (t *statusText) driftKinds() string {
	var l []string
	for _, k := range model.Kinds() {
		if n := t.s.Counters.Drift[k.String()]; n > 0 {
			l = append(l, count(int(n), k.String()))
		}
	}
	if len(l) == 0 {
		return ""
	}
	return " (" + strings.Join(l, ", ") + ")"
}

func total[K comparable](m map[K]uint64) uint64 {
	var n uint64
	for _, v := range m {
		n += v
	}
	return n
}

// peers writes whom probes reach. Where there are many, those that answer are only
// counted.
func (t *statusText) peers() {
	l := t.s.Peers
	if len(l) == 0 {
		return
	}
	byState := map[status.Reach][]status.Peer{}
	for _, p := range l {
		byState[p.State] = append(byState[p.State], p)
	}
	var told []string
	var shown []status.Peer
	for _, state := range []status.Reach{status.Down, status.Unknown, status.Up} {
		if n := len(byState[state]); n > 0 {
			told = append(told, fmt.Sprintf("%d %s", n, string(state)))
		}
		if state != status.Up || len(l) <= foldLimit {
			shown = append(shown, byState[state]...)
		}
	}
	t.fact("peers", strings.Join(told, ", "))
	if len(shown) > 0 {
		t.printf("\n")
		t.peerTable(shown)
	}
}

// peerTable writes a row a peer. The last column alone is in colour: tabwriter would
// count the colour as text.
func (t *statusText) peerTable(l []status.Peer) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "peer\taddress\tround trip\tlost\tstate")
	for _, x := range folded(l, func(p status.Peer) string { return string(p.State) }) {
		p := x.item
		if x.hidden > 0 {
			fmt.Fprintln(w, others(x.hidden, "peer")+", "+clean(string(p.State)))
			continue
		}
		name := p.Node
		if p.Namespace != "" {
			name += "/" + p.Namespace
		}
		rtt, lost := "-", "-"
		if p.RTT > 0 {
			rtt = took(p.RTT)
		}
		if p.Sent > 0 {
			lost = fmt.Sprintf("%.0f %%", 100*p.Loss)
		}
		why := ""
		if p.Error != "" {
			why = ": " + clean(p.Error)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s %s%s\n", clean(name), clean(p.Address), rtt, lost, t.paint(reachStyle(p.State), string(p.State)), clean(t.since(p.Since)), why)
	}
	_ = w.Flush() // to memory
	t.printf("%s", painted(b.String()))
}

func reachStyle(r status.Reach) style {
	switch r {
	case status.Up:
		return green
	case status.Down:
		return red
	}
	return yellow
}
