package render

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Trial writes what came of a change under traffic: of each part, of each pair that lost
// packets, and the verdict in the last line. most is the worst impact that is allowed.
func Trial(w io.Writer, t *model.Trial, most model.Opt[model.Impact], o Options) error {
	p := &page{color: o.Color}
	p.printf("A packet every %v between %s of namespaces, while one node after the other was changed.\n\n", t.Every, count(len(t.Pairs), "pair"))
	p.parts(t)
	p.silences(t)
	p.others(t)
	p.room(t)
	p.trialVerdict(t, most)
	return p.writeTo(w)
}

// parts writes a row for each part that changed something.
func (p *page) parts(t *model.Trial) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "node\tchanges\tannounced\tmeasured\tpackets lost")
	quiet := 0
	for i := range t.Parts {
		x := &t.Parts[i]
		if x.Changes == 0 && x.Lost == 0 {
			quiet++
			continue
		}
		lost := "0"
		if x.Lost > 0 {
			lost = fmt.Sprintf("%d, of %s", x.Lost, count(x.Silent, "pair"))
		}
		note := ""
		if x.Worse() {
			note = "  worse than announced"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s%s\n", clean(partName(x)), x.Changes, x.Announced, x.Measured, lost, note)
	}
	w.Flush()
	if quiet < len(t.Parts) {
		p.printf("%s\n", painted(b.String()))
	}
	if quiet > 0 {
		p.printf("%s had nothing to change.\n\n", count(quiet, "part"))
	}
}

// partName is "vm1", "vm1, prepare", "vm1, removed".
func partName(x *model.Part) string {
	switch {
	case x.Removed:
		return x.Node + ", removed"
	case x.Phase != "":
		return x.Node + ", " + x.Phase
	}
	return x.Node
}

// silences tells of the pairs that lost packets.
func (p *page) silences(t *model.Trial) {
	var l []*model.Stream
	for i := range t.Pairs {
		if t.Pairs[i].Lost > 0 {
			l = append(l, &t.Pairs[i])
		}
	}
	if len(l) == 0 {
		return
	}
	var rows []row
	for _, f := range folded(l, func(*model.Stream) string { return "" }) {
		if f.hidden > 0 {
			rows = append(rows, row{name: others(f.hidden, "pair")})
			continue
		}
		s := f.item
		rows = append(rows, row{
			name: fmt.Sprintf("%s -> %s (%s)", s.From, s.To, s.Dst),
			text: fmt.Sprintf("%d of %d packets lost, silent for up to %v", s.Lost, len(s.Sent), s.Longest.Round(time.Millisecond)),
		})
	}
	p.rows("  ", rows)
	p.printf("\n")
}

// others tells of the pairs that cannot be compared, and of those that fail in the end.
func (p *page) others(t *model.Trial) {
	if t.Left > 0 {
		p.printf("Only the topology before has %s.\n", count(t.Left, "pair"))
	}
	if n := len(t.After) - len(t.Pairs); n > 0 {
		p.printf("Only the topology after has %s.\n", count(n, "pair"))
	}
	for _, f := range folded(pointers(t.Unreachable()), func(*model.Pair) string { return "" }) {
		if f.hidden > 0 {
			p.printf("%s\n", others(f.hidden, "failed pair"))
			continue
		}
		p.printf("%s %s -> %s (%s): %s\n", p.paint(red, "FAIL"), f.item.From.String(), f.item.To.String(), f.item.Dst.String(), f.item.Err)
	}
}

// room says where lost packets may be none that the change lost.
func (p *page) room(t *model.Trial) {
	if _, lost := t.Totals(); lost == 0 || t.Dropped == 0 {
		return
	}
	p.printf("This machine had no room for %s of all its programs meanwhile (net.core.netdev_max_backlog): those that were lost may be of these. Try again when less is going on.\n",
		count(int(t.Dropped), "packet"))
}

// trialVerdict writes the last line.
func (p *page) trialVerdict(t *model.Trial, most model.Opt[model.Impact]) {
	sent, lost := t.Totals()
	numbers := fmt.Sprintf("%d of %d packets lost on %s", lost, sent, count(len(t.Pairs), "pair"))
	announced, measured := t.Worst()
	limit, set := most.Get()
	worse, worst := 0, &model.Part{}
	for i := range t.Parts {
		if x := &t.Parts[i]; x.Worse() {
			worse++
			if x.Measured > worst.Measured {
				worst = x
			}
		}
	}
	switch n := len(t.Unreachable()); {
	case n > 0:
		p.printf("%s %d of %s of the new topology unreachable; %s.\n", p.paint(red, "Failed:"), n, count(len(t.After), "pair"), numbers)
	case worse > 0:
		p.printf("%s %s; the impact was worse than announced on %s (%s, not %s).\n", p.paint(red, "Failed:"), numbers, count(worse, "node"), worst.Measured.String(), worst.Announced.String())
	case set && max(announced, measured) > limit:
		p.printf("%s %s; the impact (announced %s, measured %s) is more than --max-impact %s allows.\n", p.paint(red, "Failed:"), numbers, announced.String(), measured.String(), limit.String())
	case measured < announced:
		p.printf("%s %s; impact %s, announced %s.\n", p.paint(green, "OK:"), numbers, measured.String(), announced.String())
	default:
		p.printf("%s %s; impact as announced (%s).\n", p.paint(green, "OK:"), numbers, measured.String())
	}
}

type trialDocument struct {
	FormatVersion string           `json:"format_version"`
	Topology      string           `json:"topology"`
	IntervalMS    float64          `json:"interval_ms"`
	Parts         []partDocument   `json:"parts"`
	Pairs         []streamDocument `json:"pairs"`
	OnlyBefore    int              `json:"pairs_only_before"`
	After         []model.Pair     `json:"after"`
	Dropped       uint32           `json:"packets_dropped_by_machine"`
	OK            bool             `json:"ok"`
}

type partDocument struct {
	Node      string       `json:"node"`
	Phase     string       `json:"phase,omitempty"`
	Removed   bool         `json:"removed,omitempty"`
	Changes   int          `json:"changes"`
	Announced model.Impact `json:"announced"`
	Measured  model.Impact `json:"measured"`
	Lost      int          `json:"packets_lost"`
}

type streamDocument struct {
	From    model.Place `json:"from"`
	To      model.Place `json:"to"`
	Dst     string      `json:"address"`
	Sent    int         `json:"packets_sent"`
	Lost    int         `json:"packets_lost"`
	Longest float64     `json:"longest_silence_ms"`
}

// TrialJSON writes it for machines.
func TrialJSON(w io.Writer, topology string, t *model.Trial, most model.Opt[model.Impact]) error {
	d := trialDocument{
		FormatVersion: FormatVersion, Topology: topology, IntervalMS: milliseconds(t.Every), Parts: []partDocument{}, Pairs: []streamDocument{},
		OnlyBefore: t.Left, After: append([]model.Pair{}, t.After...), Dropped: t.Dropped, OK: !t.Fails(most),
	}
	for _, p := range t.Parts {
		d.Parts = append(d.Parts, partDocument{p.Node, p.Phase, p.Removed, p.Changes, p.Announced, p.Measured, p.Lost})
	}
	for _, s := range t.Pairs {
		d.Pairs = append(d.Pairs, streamDocument{s.From, s.To, s.Dst.String(), len(s.Sent), s.Lost, milliseconds(s.Longest)})
	}
	return writeJSON(w, d)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
