package render

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// section is a part of Markdown that can be folded away, with lines in a fence.
type section struct {
	title    string // HTML
	open     bool   // shown at first
	language string // of the fence
	lines    []string
	fixed    bool // cannot be shortened: it would be wrong
}

// frame returns what stands before and after the lines.
func (s section) frame() (before, after string) {
	open := ""
	if s.open {
		open = " open"
	}
	fence := strings.Repeat("`", max(3, longestRun(s.lines, '`')+1))
	return fmt.Sprintf("\n<details%s><summary>%s</summary>\n\n%s%s\n", open, s.title, fence, s.language), fence + "\n\n</details>\n"
}

// size is that of the whole section, in bytes.
func (s section) size() int {
	before, after := s.frame()
	n := len(before) + len(after)
	for _, l := range s.lines {
		n += len(l) + 1
	}
	return n
}

// within returns the section in at most room bytes: whole, or without lines from its
// middle, or nothing.
func (s section) within(room int) (text string, whole bool) {
	if s.size() <= room {
		return s.text(s.lines), true
	}
	before, after := s.frame()
	const mark = 60 // for the line that says how many are missing
	room -= len(before) + len(after) + mark
	if s.fixed || room < 200 {
		return "", false
	}
	first := fitting(s.lines, room*2/3, false)
	last := fitting(s.lines[first:], room/3, true)
	if first+last == 0 {
		return "", false
	}
	n := len(s.lines) - first - last
	lines := append(s.lines[:first:first], fmt.Sprintf("# ... %s left out ...", count(n, "line")))
	return s.text(append(lines, s.lines[len(s.lines)-last:]...)), false
}

// fitting counts the lines that fit into the room, from the beginning or the end.
func fitting(lines []string, room int, fromEnd bool) int {
	for i := range lines {
		at := i
		if fromEnd {
			at = len(lines) - 1 - i
		}
		if room -= len(lines[at]) + 1; room < 0 {
			return i
		}
	}
	return len(lines)
}

func (s section) text(lines []string) string {
	before, after := s.frame()
	var b strings.Builder
	b.WriteString(before)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String() + after
}

// markdownSections returns what stands below the summary, in the order of importance.
func markdownSections(f *fleetPlan) ([]section, error) {
	var l []section
	for _, g := range f.groups {
		s, err := detailsOf(g)
		if err != nil {
			return nil, err
		}
		s.open = len(f.groups) == 1 && len(s.lines) <= 40
		l = append(l, s)
	}
	diagram, err := diagramOf(f)
	if err != nil {
		return nil, err
	}
	l = append(l, diagram...)
	for _, g := range f.groups[:min(len(f.groups), maxCommandLists)] {
		n := g.nodes[0]
		if lines := commandLines(n); lines != nil {
			l = append(l, section{title: htmlCode(n.Header.Node) + ": the same in commands of iproute2", language: "sh", lines: lines})
		}
	}
	return l, nil
}

// diagramOf draws what changes; nothing where nothing does.
func diagramOf(f *fleetPlan) ([]section, error) {
	var b bytes.Buffer
	if err := ChangeGraph(&b, append(f.failed[:len(f.failed):len(f.failed)], f.changed...), 0); err != nil || b.Len() == 0 {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return []section{{title: "What changes, as a picture", language: "mermaid", lines: lines, fixed: true}}, nil
}

// maxCommandLists is for how many nodes the commands are listed, too.
const maxCommandLists = 5

// detailsOf tells the changes of the first node of a group, as a diff.
func detailsOf(g planGroup) (section, error) {
	n := g.nodes[0]
	var b bytes.Buffer
	if err := Plan(&b, n.Header, n.Plan, Options{}); err != nil {
		return section{}, err
	}
	s := section{title: groupTitle(g), language: "diff", lines: diffLines(b.String())}
	return s, nil
}

// groupTitle names the nodes of a group, and what happens to each.
func groupTitle(g planGroup) string {
	n := g.nodes[0]
	s := n.Plan.Summary()
	title := htmlCode(n.Header.Node) + ": " + strings.Join(counts(s, planWords(), false), ", ")
	if s == (diff.Summary{}) {
		title = htmlCode(n.Header.Node) + ": what blocks it"
	}
	if more := g.nodes[1:]; len(more) > 0 {
		title += fmt.Sprintf("; the same, but for names and values, on %s: %s", count(len(more), "other node"), htmlCode(nodeNames(more, 8)))
	}
	return title
}

// diffLines turns the text of a plan into lines that a diff's colours suit: the symbol
// comes first; ~ and ± and = count as changed. The headline and the sum are left out:
// they stand above.
func diffLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 2 {
		lines = lines[1 : len(lines)-1]
	}
	var out []string
	for _, l := range lines {
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, diffLine(l))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// diffLine is one of them. Headings are what a diff says of places.
func diffLine(l string) string {
	rest := strings.TrimLeft(l, " ")
	indent := strings.Repeat(" ", max(0, len(l)-len(rest)-2))
	symbol, after, found := strings.Cut(rest, " ")
	switch {
	case rest == "":
		return ""
	case found && (symbol == "+" || symbol == "-"):
		return symbol + " " + indent + after
	case symbol == "!":
		return "! " + indent + after
	case found && (symbol == "~" || symbol == "±" || symbol == "="):
		return "! " + indent + rest
	case len(l)-len(rest) > 2:
		return "  " + l
	case isHeading(symbol):
		return "@@ " + rest + " @@"
	}
	return "# " + rest
}

// isHeading says whether a line with the first word names a part of the host.
func isHeading(first string) bool {
	return slices.Contains([]string{"host", "bridge", "namespace", "overlay", "peer", "no"}, first)
}

// longestRun returns the length of the longest run of a character in any line.
func longestRun(lines []string, c byte) int {
	most := 0
	for _, l := range lines {
		n := 0
		for i := range len(l) {
			if l[i] != c {
				n = 0
				continue
			}
			n++
			most = max(most, n)
		}
	}
	return most
}

// htmlCode is a name in HTML: within code, nobody is mentioned and nothing is linked.
func htmlCode(s string) string { return "<code>" + html.EscapeString(clean(s)) + "</code>" }

// codeSpan is a name in Markdown, also within a table, where a bar ends a cell even in
// code (GFM, 4.10).
func codeSpan(s string) string {
	s = strings.ReplaceAll(clean(s), "|", `\|`)
	fence := strings.Repeat("`", longestRun([]string{s}, '`')+1)
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// escapeMarkdown is text in Markdown that means nothing but itself.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>()#+-!|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '@' || r == '&':
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plainWord leaves letters, digits and ._- of a name, for where nothing can be escaped.
func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, s)
}

// shortened returns at most n characters of a text.
func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}
