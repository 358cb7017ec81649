package render

import (
	"cmp"
	"slices"
	"strings"
)

// block is what belongs to one intent, in order.
type block[T any] struct {
	intent string
	items  []T
	n      int // of items that there will be
	at     int // its place before it was sorted
}

// isPeer says whether the block is about a peer, which is told in one line.
func (b *block[T]) isPeer() bool { return strings.HasPrefix(b.intent, "peer ") }

// noun is the first word of the intent: "namespace", "bridge", "peer".
func (b *block[T]) noun() string {
	noun, _, _ := strings.Cut(b.intent, " ")
	return noun
}

// netns returns the namespace whose block it is, or "".
func (b *block[T]) netns() string {
	name, _ := strings.CutPrefix(b.intent, "namespace ")
	if name == b.intent {
		return ""
	}
	return name
}

// rank orders blocks as one would draw the network: from the host's own devices to
// the peers. What is part of nothing comes last.
func (b *block[T]) rank() int {
	nouns := [...]string{"host", "bridge", "namespace", "overlay", "peer"}
	switch i := slices.Index(nouns[:], b.noun()); {
	case i >= 0:
		return i
	case b.intent == "":
		return len(nouns) + 1
	}
	return len(nouns)
}

// byIntent puts the items together that have the same intent, each intent's in the
// order in which they come. It asks for intents by the items' places.
func byIntent[T any](items []T, intent func(i int) string) []*block[T] {
	most := runs(len(items), intent)
	index, blocks := make(map[string]*block[T], most), make([]*block[T], 0, most)
	of, fresh := make([]*block[T], len(items)), make([]block[T], most)
	var b *block[T]
	for i := range items {
		if name := intent(i); b == nil || b.intent != name { // mostly, it is that of the one before
			if b = index[name]; b == nil {
				b, fresh = &fresh[0], fresh[1:]
				b.intent = name
				index[name], blocks = b, append(blocks, b)
			}
		}
		of[i] = b
		b.n++
	}
	room := make([]T, len(items))
	for _, b := range blocks {
		b.items, room = room[:0:b.n], room[b.n:]
	}
	for i, item := range items {
		of[i].items = append(of[i].items, item)
	}
	inRanks(blocks)
	return blocks
}

// runs returns how often the intent of an item is another one than that of the item before.
func runs(items int, intent func(i int) string) int {
	n, last := 0, ""
	for i := range items {
		if name := intent(i); i == 0 || name != last {
			n, last = n+1, name
		}
	}
	return n
}

// inRanks sorts blocks by their ranks, and those of peers by their names.
func inRanks[T any](blocks []*block[T]) {
	compare := func(a, b *block[T]) int {
		if d := a.rank() - b.rank(); d != 0 || !a.isPeer() {
			return d
		}
		return naturally(a.intent, b.intent)
	}
	if slices.IsSortedFunc(blocks, compare) {
		return
	}
	for i, b := range blocks {
		b.at = i
	}
	slices.SortFunc(blocks, func(a, b *block[T]) int { return cmp.Or(compare(a, b), a.at-b.at) })
}

// naturally compares names as people would: n2 comes before n10.
func naturally(a, b string) int {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	for same > 0 && isDigit(a[same-1]) { // a number counts as a whole
		same--
	}
	a, b = a[same:], b[same:]
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		n, m := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(n), len(m)), strings.Compare(n, m), cmp.Compare(len(x), len(y))); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// common returns the value that all items share which have one, or "".
func common[T any](items []T, value func(T) string) string {
	all := ""
	for _, item := range items {
		v := value(item)
		if all == "" {
			all = v
		}
		if v != "" && v != all {
			return ""
		}
	}
	return all
}

// fold is one of the things to be printed, or what stands for many of them.
type fold[T any] struct {
	item   T
	hidden int // if not 0: how many more like item there are, instead of item
}

// folded leaves the first items of each class, up to the limit, and puts what
// tells the number of the others after the last of them.
func folded[T any](items []T, class func(T) string) []fold[T] {
	if len(items) <= foldLimit {
		class = func(T) string { return "" }
	}
	type group struct{ total, seen int }
	groups := make(map[string]*group)
	of := make([]*group, len(items))
	var g *group
	last := ""
	for i, item := range items {
		if c := class(item); g == nil || c != last { // mostly, it is that of the one before
			if g, last = groups[c], c; g == nil {
				g = &group{}
				groups[c] = g
			}
		}
		of[i] = g
		g.total++
	}
	var l []fold[T]
	for i, item := range items {
		g := of[i]
		g.seen++
		switch {
		case g.seen <= foldLimit:
			l = append(l, fold[T]{item: item})
		case g.seen == foldLimit+1:
			l = append(l, fold[T]{item: item, hidden: g.total - foldLimit})
		}
	}
	return l
}

// others returns "... and 980 more peers".
func others(n int, noun string) string {
	if n == 1 {
		return "... and 1 more " + noun
	}
	return "... and " + count(n, "more "+noun)
}
