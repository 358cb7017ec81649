package export

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// width is how long a line with a whole map or list on it may be.
const width = 100

type shape uint8

const (
	scalar shape = iota
	list
	mapping
)

// item is a place of the file.
type item struct {
	key   string // "" in a list
	text  string // of a scalar
	plain bool   // text needs no quotes: a number, true or false
	shape shape
	kids  []*item
	block bool  // never on one line
	part  *part // what the place is about; nil: what its parent is
}

// part is something that can be left out of the file, if the file can't say it.
type part struct {
	node string // "" for the whole of a node
	what string // "bridge br0"
	drop func()
}

func (i *item) add(kids ...*item) {
	for _, k := range kids {
		if k != nil {
			i.kids = append(i.kids, k)
		}
	}
}

// text is a scalar, or nothing where it is "".
func text(key, s string) *item {
	if s == "" {
		return nil
	}
	return &item{key: key, text: s}
}

func number(key string, n uint32) *item {
	if n == 0 {
		return nil
	}
	return &item{key: key, text: strconv.FormatUint(uint64(n), 10), plain: true}
}

func flag(key string, v bool) *item { return &item{key: key, text: strconv.FormatBool(v), plain: true} }

// several is a scalar, or a list where there is more than one.
func several[T fmt.Stringer](key string, l []T) *item {
	if len(l) == 1 {
		return text(key, l[0].String())
	}
	i := &item{key: key, shape: list}
	for _, v := range l {
		i.add(&item{text: v.String()})
	}
	if len(l) == 0 {
		return nil
	}
	return i
}

// writer writes items, and notes which part each line is about.
type writer struct {
	strings.Builder
	flow  bool // put on one line what fits there
	parts []*part
}

func (w *writer) line(p *part, format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
	w.parts = append(w.parts, p)
}

// item writes an item and what is in it, below a key or behind the "- " of a list.
func (w *writer) item(i *item, indent string, about *part) {
	if i.part != nil {
		about = i.part
	}
	head := indent + "- "
	if i.key != "" {
		head = indent + quoted(i.key) + ": "
	}
	if short := i.short(); i.shape == scalar || len(i.kids) == 0 || w.flow && !i.block && len(head)+len(short) <= width {
		w.line(about, "%s%s", head, short)
		return
	}
	if i.key == "" { // of a list, a map of few keys
		w.line(about, "%s-", indent)
	} else {
		w.line(about, "%s", strings.TrimSuffix(head, " "))
	}
	for _, k := range i.kids {
		w.item(k, indent+"  ", about)
	}
}

// short is the item on one line, without its key.
func (i *item) short() string {
	if i.shape == scalar && i.plain {
		return i.text
	}
	if i.shape == scalar {
		return quoted(i.text)
	}
	var l []string
	for _, k := range i.kids {
		s := k.short()
		if k.key != "" {
			s = quoted(k.key) + ": " + s
		}
		l = append(l, s)
	}
	if i.shape == list {
		return "[" + strings.Join(l, ", ") + "]"
	}
	return "{" + strings.Join(l, ", ") + "}"
}

// Plain scalars are those that any reader of YAML takes for what they are: a word that
// begins with a letter and means nothing else, or an address. (YAML 1.1 takes 012 and
// 1:30 for other numbers, and no for false.)
var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`) })

// quoted is a scalar as it may stand anywhere in the file.
func quoted(s string) string {
	_, notAddr := netip.ParseAddr(s)
	_, notPrefix := netip.ParsePrefix(s)
	address := (notAddr == nil || notPrefix == nil) && !strings.HasPrefix(s, ":") && !strings.HasSuffix(s, ":") && !strings.Contains(s, "%")
	special := slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s))
	if address || word().MatchString(s) && !special {
		return s
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}
