package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxColumns is how many destinations are printed as a table; of more, only what
// fails is worth reading.
const maxColumns = 12

// Matrix writes who reaches whom: a table a family with round-trip times, the path
// MTUs that were seen, what failed, and a summary.
func Matrix(w io.Writer, m *model.Matrix, o Options) error {
	t := &page{color: o.Color}
	for _, family := range []string{"IPv4", "IPv6"} {
		t.table(family, ofFamily(m.Pairs, family))
	}
	t.pathMTUs(m.Pairs)
	failed := m.Failed()
	for _, f := range folded(pointers(failed), func(*model.Pair) string { return "" }) {
		if f.hidden > 0 {
			t.printf("%s\n", t.paint(faint, others(f.hidden, "failed pair")))
			continue
		}
		t.printf("%s %s -> %s (%s): %s\n", t.paint(red, "FAIL"), f.item.From.String(), f.item.To.String(), f.item.Dst.String(), f.item.Err)
	}
	switch {
	case len(m.Pairs) == 0:
		t.printf("There are no pairs of namespaces.\n")
	case len(failed) == 0:
		t.printf("%s %s reachable.\n", t.paint(green, "OK:"), allOf(len(m.Pairs)))
	default:
		t.printf("%s %d of %s unreachable.\n", t.paint(red, "Failed:"), len(failed), count(len(m.Pairs), "pair"))
	}
	return t.writeTo(w)
}

func allOf(n int) string {
	if n == 1 {
		return "the one pair is"
	}
	return fmt.Sprintf("all %d pairs are", n)
}

func ofFamily(pairs []model.Pair, family string) []model.Pair {
	var l []model.Pair
	for _, p := range pairs {
		if p.Dst.Is4() == (family == "IPv4") {
			l = append(l, p)
		}
	}
	return l
}

// table writes a row for each source and a column for each destination.
func (t *page) table(family string, pairs []model.Pair) {
	var from, to []model.Place
	cells := map[[2]model.Place]string{}
	for _, p := range pairs {
		if !slices.Contains(from, p.From) {
			from = append(from, p.From)
		}
		if !slices.Contains(to, p.To) {
			to = append(to, p.To)
		}
		key := [2]model.Place{p.From, p.To}
		if cells[key] != "FAIL" {
			cells[key] = cell(p)
		}
	}
	if len(pairs) == 0 || len(to) > maxColumns {
		return
	}
	slices.SortFunc(to, func(a, b model.Place) int { return strings.Compare(a.String(), b.String()) })
	first := width(family)
	for _, p := range from {
		first = max(first, width(p.String()))
	}
	t.printf("%s%s", t.paint(bold, family), pad(first-width(family)))
	for _, p := range to {
		t.printf("  %s%s", pad(cellWidth-width(p.String())), p.String())
	}
	t.printf("\n")
	for _, f := range from {
		t.printf("%s%s", f.String(), pad(first-width(f.String())))
		for _, p := range to {
			text := cells[[2]model.Place{f, p}]
			if text == "" {
				text = "-"
			}
			t.printf("  %s%s", pad(max(cellWidth, width(p.String()))-width(text)), t.paint(cellStyle(text), text))
		}
		t.printf("\n")
	}
	t.printf("\n")
}

// cellWidth is the least width of a column.
const cellWidth = 9

func cell(p model.Pair) string {
	if !p.OK {
		return "FAIL"
	}
	return fmt.Sprintf("%.2f ms", float64(p.RTT)/float64(time.Millisecond))
}

func cellStyle(text string) style {
	switch text {
	case "FAIL":
		return red
	case "-":
		return faint
	}
	return ""
}

// pathMTUs writes the path MTU between nodes, a line for all that have the same.
func (t *page) pathMTUs(pairs []model.Pair) {
	least := map[[2]string]int{}
	for _, p := range pairs {
		key := [2]string{p.From.Node, p.To.Node}
		if p.MTU > 0 && p.From.Node != p.To.Node && (least[key] == 0 || p.MTU < least[key]) {
			least[key] = p.MTU
		}
	}
	by := map[int][]string{}
	for key, mtu := range least {
		by[mtu] = append(by[mtu], key[0]+" -> "+key[1])
	}
	var sizes []int
	for mtu := range by {
		sizes = append(sizes, mtu)
	}
	slices.Sort(sizes)
	for _, mtu := range sizes {
		if len(sizes) == 1 {
			t.printf("Path MTU between nodes: %d bytes.\n", mtu)
			break
		}
		slices.Sort(by[mtu])
		const most = 6
		l := by[mtu]
		if len(l) > most {
			l = append(l[:most:most], fmt.Sprintf("and %d more", len(l)-most))
		}
		t.printf("Path MTU %d bytes: %s\n", mtu, strings.Join(l, ", "))
	}
}

type matrixDocument struct {
	FormatVersion string       `json:"format_version"`
	Topology      string       `json:"topology"`
	Pairs         []model.Pair `json:"pairs"`
	Failed        int          `json:"failed"`
}

// MatrixJSON writes what Matrix does for machines.
func MatrixJSON(w io.Writer, topology string, m *model.Matrix) error {
	return writeJSON(w, matrixDocument{FormatVersion, topology, append([]model.Pair{}, m.Pairs...), len(m.Failed())})
}
