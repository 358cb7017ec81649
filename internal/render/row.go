package render

import "strings"

// row is one line about an object: "+ link br245   type bridge, mtu 1450, up".
type row struct {
	lead  painted // the symbol, or what else comes first
	name  string
	text  string    // what is said of it
	note  string    // in brackets behind, painted
	below []painted // lines below it, indented
}

// maxNameWidth is the longest name that others are aligned with.
const maxNameWidth = 48

// rows writes the rows with their texts aligned.
func (p *page) rows(indent string, rows []row) {
	columns := 0
	for _, r := range rows {
		if w := width(r.name); r.text != "" && w <= maxNameWidth {
			columns = max(columns, w)
		}
	}
	for _, r := range rows {
		p.row(indent, r, columns)
	}
}

func (p *page) row(indent string, r row, columns int) {
	p.printf("%s", indent)
	if r.lead != "" {
		p.printf("%s ", r.lead)
	}
	p.printf("%s", r.name)
	if r.text != "" {
		p.printf("%s   %s", pad(columns-width(r.name)), r.text)
	}
	if r.note != "" {
		p.printf("  (%s)", painted(r.note))
	}
	p.printf("\n")
	for _, line := range r.below {
		p.printf("%s    %s\n", indent, line)
	}
}

// heading writes the first line of a block.
func (p *page) heading(text, note string) {
	p.printf("  %s", p.paint(bold, text))
	if note != "" {
		p.printf(" %s", p.paint(faint, "("+note+")"))
	}
	p.printf("\n")
}

func pad(n int) string { return strings.Repeat(" ", max(n, 0)) }
