package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// colours are those of a mark, or of something else that is drawn.
type colours struct{ fill, line string }

// mermaidColour returns a mark's colours on a light page.
func mermaidColour(m Mark) colours {
	switch m {
	case Mark(diff.Create):
		return colours{"#dafbe1", "#1a7f37"}
	case Mark(diff.Update):
		return colours{"#fff8c5", "#9a6700"}
	case Mark(diff.Replace):
		return colours{"#fbefff", "#8250df"}
	case Mark(diff.Delete):
		return colours{"#ffebe9", "#cf222e"}
	case Mark(diff.Adopt):
		return colours{"#d7f5f5", "#0b7285"}
	case Blocked:
		return colours{"#ffd8d3", "#82071e"}
	}
	return colours{"#ffffff", "#57606a"}
}

// title names the link, and says whether hosts on it need the overlay.
func (l *Link) title() string {
	s := "link " + strings.Join(l.Subnets, ", ")
	if l.Direct {
		s += " · direct routing between these hosts"
	}
	return s
}

// moreText says how many hosts are not drawn.
func (l *Link) moreText() string {
	s := andMore(l.More, "host")
	switch {
	case l.Marked == 0:
	case l.Marked < l.More:
		s += fmt.Sprintf(", of which %d change", l.Marked)
	default:
		s += choose(l.More == 1, " that changes", " that change")
	}
	if l.links > 1 {
		s += ", on " + count(l.links, "more link")
	}
	return s
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// lines tells all of a namespace below its name: its interfaces with their addresses,
// and what else changes in it.
func (n *Namespace) lines() []Line {
	var l []Line
	for _, i := range n.Interfaces {
		l = append(l, Line{i.Name, i.Mark})
		l = append(l, i.Lines...)
	}
	return append(l, n.Lines...)
}

// darkColour returns a mark's colours on a dark page.
func darkColour(m Mark) colours {
	switch m {
	case Mark(diff.Create):
		return colours{"#12261e", "#3fb950"}
	case Mark(diff.Update):
		return colours{"#272115", "#d29922"}
	case Mark(diff.Replace):
		return colours{"#241b35", "#bc8cff"}
	case Mark(diff.Delete):
		return colours{"#2d1518", "#ff7b72"}
	case Mark(diff.Adopt):
		return colours{"#0c2626", "#39c5cf"}
	case Blocked:
		return colours{"#3c1112", "#ffa198"}
	}
	return colours{"#0d1117", "#9198a1"}
}
