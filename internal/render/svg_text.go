package render

import (
	"strings"
	"unicode/utf8"
)

// font is one of the few that pictures use. Nobody knows which fonts a reader has:
// widths are those of the widest of the usual ones, DejaVu's and Verdana's.
type font struct {
	class  string
	size   int // pixels
	widths *[95]int
	wide   int // of all other characters, and of all where there are no widths; 1/1000 of the size
}

// The fonts, by what they are for.
func fontTitle() font   { return font{"t0", 22, boldWidths(), 1100} }
func fontHost() font    { return font{"t1", 15, boldWidths(), 1100} }
func fontCaption() font { return font{"t2", 12, plainWidths(), 1100} }
func fontName() font    { return font{"t3", 12, nil, 620} } // monospaced, bold
func fontAddress() font { return font{"t4", 12, nil, 620} } // monospaced

// lineHeight is the distance from a line to the next.
func (f font) lineHeight() int { return f.size*4/3 + 1 }

// ascent is how far below the upper edge of a line its letters stand.
func (f font) ascent() int { return f.size }

// width returns the pixels that a text takes at most.
func (f font) width(s string) int {
	n := 0
	for _, r := range s {
		n += f.advance(r)
	}
	return (n*f.size + 999) / 1000
}

// advance returns a character's width in 1/1000 of the size.
func (f font) advance(r rune) int {
	const monospacedWide = 1240
	switch {
	case r >= ' ' && r <= '~' && f.widths != nil:
		return f.widths[r-' ']
	case r > 0xff && r != '…' && r != '−' && f.widths == nil:
		return monospacedWide // two columns
	}
	return f.wide
}

// wrap breaks a text into lines of so many pixels: after what names and addresses are
// made of, or, where there is none, anywhere.
func (f font) wrap(s string, room int) []string {
	s = strings.TrimSpace(clean(s))
	var l []string
	for f.width(s) > room {
		at := f.breakAt(s, room)
		l = append(l, strings.TrimRight(s[:at], " "))
		s = strings.TrimLeft(s[at:], " ")
	}
	if s != "" || len(l) == 0 {
		l = append(l, s)
	}
	return l
}

// breakAt returns how many bytes of a text go into a line: one character at least.
func (f font) breakAt(s string, room int) int {
	n, last := 0, 0
	for i, r := range s {
		n += f.advance(r)
		if (n*f.size+999)/1000 > room {
			_, first := utf8.DecodeRuneInString(s)
			if last == 0 {
				last = i
			}
			return max(last, first)
		}
		if i > 0 && strings.ContainsRune(" -._:/,", r) {
			last = i + utf8.RuneLen(r)
		}
	}
	return len(s)
}

// plainWidths are those of DejaVu Sans from space to tilde.
func plainWidths() *[95]int {
	return &[95]int{
		317, 400, 459, 837, 636, 950, 779, 274, 390, 390, 500, 837, 317, 360, 317, 336, 636, 636, 636, 636, 636, 636, 636, 636,
		636, 636, 336, 336, 837, 837, 837, 530, 1000, 684, 686, 698, 770, 631, 575, 774, 751, 294, 294, 655, 557, 862, 748, 787,
		603, 787, 694, 634, 610, 731, 684, 988, 685, 610, 685, 390, 336, 390, 837, 500, 500, 612, 634, 549, 634, 615, 352, 634,
		633, 277, 277, 579, 277, 974, 633, 611, 634, 634, 411, 520, 392, 633, 591, 817, 591, 591, 524, 636, 336, 636, 837,
	}
}

// boldWidths are those of DejaVu Sans Bold from space to tilde.
func boldWidths() *[95]int {
	return &[95]int{
		348, 456, 520, 837, 695, 1001, 872, 306, 457, 457, 522, 837, 379, 415, 379, 365, 695, 695, 695, 695, 695, 695, 695, 695,
		695, 695, 399, 399, 837, 837, 837, 580, 1000, 773, 762, 733, 830, 683, 683, 820, 836, 372, 372, 774, 637, 995, 836, 850,
		732, 850, 770, 720, 682, 812, 773, 1103, 770, 724, 725, 457, 365, 457, 837, 500, 500, 674, 715, 592, 715, 678, 435, 715,
		711, 342, 342, 665, 342, 1041, 711, 687, 715, 715, 493, 595, 478, 711, 651, 923, 645, 651, 582, 711, 365, 711, 837,
	}
}
