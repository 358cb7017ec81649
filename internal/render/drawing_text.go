package render

import (
	"fmt"
	"strings"

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

// id identifies the link among others.
func (l *Link) id() string { return "link " + strings.Join(l.Subnets, " ") }

// title names the link, and says whether hosts on it need the overlay.
func (l *Link) title() string {
	s := "link " + strings.Join(l.Subnets, ", ")
	if l.Direct {
		s += " · direct routing: plain packets between these hosts"
	}
	return s
}

// moreText says how many hosts are not drawn.
func (l *Link) moreText() string {
	s := andMore(l.More, "host")
	switch {
	case l.Marked == 0:
		return s
	case l.Marked < l.More:
		return fmt.Sprintf("%s, of which %d change", s, l.Marked)
	}
	return s + choose(l.More == 1, " that changes", " that change")
}
