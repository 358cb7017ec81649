package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// Manual is a page for man(1).
type Manual struct {
	Name     string // of what it is about
	Section  int
	Version  string // of the program
	Summary  string // in a line
	Synopsis []string
	Parts    []ManualPart
	SeeAlso  []string // name(section)
}

// ManualPart is a section of a page: text, then terms with theirs.
type ManualPart struct {
	Title string
	Text  string // paragraphs; lines that are indented stay as they are
	Terms []ManualTerm
}

// ManualTerm is a term, and what there is to say of it.
type ManualTerm struct{ Term, Text string }

// WriteManual writes a page in the language of man(7).
func WriteManual(w io.Writer, m *Manual) error {
	p := &page{}
	p.printf(".TH \"%s\" %d \"\" \"%s\"\n", roffQuoted(strings.ToUpper(m.Name)), m.Section, roffQuoted("netplan-overlay "+m.Version))
	p.printf(".nh\n.ad l\n.SH NAME\n%s \\- %s\n", roff(m.Name), roff(m.Summary))
	if len(m.Synopsis) > 0 {
		p.printf(".SH SYNOPSIS\n.nf\n")
		for _, line := range m.Synopsis {
			p.printf("%s\n", roff(line))
		}
		p.printf(".fi\n")
	}
	for _, part := range m.Parts {
		p.printf(".SH %s\n", roff(strings.ToUpper(part.Title)))
		p.roffText(".PP", part.Text)
		for _, t := range part.Terms {
			p.printf(".TP\n\\fB%s\\fR\n", roff(t.Term))
			p.roffText(".IP", t.Text)
		}
	}
	if len(m.SeeAlso) > 0 {
		p.printf(".SH SEE ALSO\n%s\n", roff(strings.Join(m.SeeAlso, ", ")))
	}
	return p.writeTo(w)
}

// roffText writes text as a terminal would show it: paragraphs are filled, and lines
// that are indented stay as they are. paragraph is the request that begins one.
func (p *page) roffText(paragraph painted, text string) {
	verbatim, gap := false, false
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "" {
			gap = true
			continue
		}
		switch indented := strings.HasPrefix(line, "  "); {
		case indented && !verbatim:
			p.printf("%s\n.nf\n", paragraph)
		case !indented && verbatim:
			p.printf(".fi\n%s\n", paragraph)
		case gap && verbatim:
			p.printf("\n")
		case gap:
			p.printf("%s\n", paragraph)
		}
		verbatim = strings.HasPrefix(line, "  ")
		gap = false
		p.printf("%s\n", roff(line))
	}
	if verbatim {
		p.printf(".fi\n")
	}
}

// roff escapes text for a line of its own.
func roff(text string) painted {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(clean(text))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text // else it were a request
	}
	return painted(text)
}

// roffQuoted escapes text for an argument in quotation marks.
func roffQuoted(text string) painted {
	return painted(strings.ReplaceAll(string(roff(text)), `"`, `\(dq`))
}

// KeysManual is the page about the topology file.
func KeysManual(root *schema.Key, version string) *Manual {
	m := &Manual{
		Name: "netplan-overlay.yaml", Section: 5, Version: version,
		Summary: "topology of overlay networks",
		SeeAlso: []string{"netplan-overlay(8)", "netplan-overlay-validate(8)", "netplan-overlay-explain(8)"},
	}
	m.Parts = append(m.Parts, ManualPart{Title: "description", Text: keyText(root)})
	keys := ManualPart{Title: "keys", Text: "Words in capitals stand for names that you give."}
	for _, k := range flat(root.Keys) {
		keys.Terms = append(keys.Terms, ManualTerm{Term: k.Path, Text: keyText(k)})
	}
	m.Parts = append(m.Parts, keys)
	return m
}

// keyText is what Key writes of one key, but for those below it.
func keyText(k *schema.Key) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", k.Description)
	if len(k.Forms) > 0 {
		fmt.Fprintf(&b, "Value: %s.\n", strings.Join(k.Forms, "; or "))
	}
	if k.Path != "" && !k.Free {
		fmt.Fprintf(&b, "Default: %s.\n", defaultOf(k))
	}
	for _, e := range k.Examples {
		b.WriteString("\n")
		for line := range strings.Lines(e) {
			fmt.Fprintf(&b, "  %s\n", strings.TrimRight(line, "\n"))
		}
	}
	return b.String()
}
