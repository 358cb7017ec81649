package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// textWidth is how long lines of running text get.
const textWidth = 80

// Key writes all that there is to say of a key of the topology file: what it is, what may
// stand there, what it is where the file doesn't say, examples, and the keys below it.
func Key(w io.Writer, k *schema.Key, o Options) error {
	p := &page{color: o.Color}
	p.printf("%s\n\n", p.paint(bold, choose(k.Path == "", "the topology file", k.Path)))
	for _, line := range wrapped(k.Description, textWidth-2) {
		p.printf("  %s\n", line)
	}
	p.printf("\n")
	for i, f := range k.Forms {
		p.labelledText(choose(i == 0, "value", "or"), f)
	}
	if k.Path != "" && !k.Free {
		p.labelledText("default", defaultOf(k))
	}
	for i, e := range k.Examples {
		p.labelledLines(choose(i == 0, "example", ""), strings.Split(e, "\n"))
	}
	if keys := below(k); len(keys) > 0 {
		p.printf("\n  %s\n", p.paint(bold, choose(k.Keys[0].Free, "keys of each", "keys")))
		p.keyRows(keys, func(*schema.Key) int { return 4 })
	}
	return p.writeTo(w)
}

// below returns the keys to list under a key: those of each thing it holds, if it is a map
// of names.
func below(k *schema.Key) []*schema.Key {
	if len(k.Keys) == 1 && k.Keys[0].Free {
		return k.Keys[0].Keys
	}
	return k.Keys
}

// Keys writes the tree of keys, a line each.
func Keys(w io.Writer, root *schema.Key, o Options) error {
	p := &page{color: o.Color}
	p.keyRows(flat(root.Keys), func(k *schema.Key) int { return 2 * strings.Count(k.Path, ".") })
	return p.writeTo(w)
}

// flat returns keys and all below them, in the order of the tree.
func flat(keys []*schema.Key) []*schema.Key {
	var l []*schema.Key
	for _, k := range keys {
		l = append(l, k.All()...)
	}
	return l
}

// keyRows writes a line a key, each indented by what indent says.
func (p *page) keyRows(keys []*schema.Key, indent func(*schema.Key) int) {
	columns := 0
	for _, k := range keys {
		columns = max(columns, indent(k)+width(k.Name))
	}
	for _, k := range keys {
		name := p.paint(cyan, k.Name)
		if k.Free {
			name = p.paint(faint, k.Name)
		}
		p.printf("%s%s%s   %s", pad(indent(k)), name, pad(columns-indent(k)-width(k.Name)), Summary(k))
		if k.Required {
			p.printf(" %s", p.paint(faint, "(required)"))
		}
		p.printf("\n")
	}
}

// Summary returns the first sentence of what a key is.
func Summary(k *schema.Key) string {
	first, _, _ := strings.Cut(k.Description, ". ")
	return strings.TrimSuffix(first, ".")
}

// defaultOf says what a key is where the file doesn't say.
func defaultOf(k *schema.Key) string {
	switch {
	case k.Required:
		return "none: it is required"
	case k.Default != "" && k.Derived != "":
		return fmt.Sprintf("%s, else %s", k.Derived, k.Default)
	case k.Default != "":
		return k.Default
	case k.Derived != "":
		return k.Derived
	}
	return "none"
}

// labelWidth is how wide labels are, with what is before and behind them.
const labelWidth = 12

// labelledText writes running text behind a label.
func (p *page) labelledText(label, text string) {
	p.labelledLines(label, wrapped(text, textWidth-labelWidth))
}

// labelledLines writes lines behind a label.
func (p *page) labelledLines(label string, lines []string) {
	for _, line := range lines {
		p.printf("  %s%s%s\n", p.paint(faint, label), pad(labelWidth-2-len(label)), line)
		label = ""
	}
}

// wrapped breaks text between words into lines of at most columns.
func wrapped(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) > columns {
			lines, line = append(lines, line), ""
		}
		line = joined(" ", line, word)
	}
	return append(lines, line)
}
