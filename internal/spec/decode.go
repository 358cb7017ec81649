package spec

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// decoder collects what is wrong while it reads the tree.
type decoder struct {
	tree       *tree
	shelves    shelves
	problems   []Problem
	mayBeEmpty bool             // "nodes: {}" is a topology
	slow       bool             // all files are read by yaml.v3
	parts      int              // how many the nodes are read in; 0: as many as pay
	whole      func(*Node) bool // see Options; nil: each is
}

// at tells an error of a place that is no node.
func (d *decoder) at(code Code, pos Pos, format string, args ...any) {
	d.problems = append(d.problems, Problem{Code: code, Pos: pos, Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) errorf(code Code, n node, hint, format string, args ...any) {
	d.tell(code, n, false, hint, format, args...)
}

func (d *decoder) warnf(code Code, n node, hint, format string, args ...any) {
	d.tell(code, n, true, hint, format, args...)
}

func (d *decoder) tell(code Code, n node, warning bool, hint, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		Code: code, Pos: n.pos(), Path: n.path(), Message: fmt.Sprintf(format, args...), Hint: hint, Warning: warning,
	})
}

// value is what stands at a place; at is nil where nothing was given.
type value[T any] struct {
	v  T
	at node
}

func (v value[T]) given() bool { return v.at.given() }

// or returns v, or else w.
func (v value[T]) or(w value[T]) value[T] {
	if v.given() {
		return v
	}
	return w
}

// field is a key of a map and what reads it.
type field struct {
	key  string
	read func(node)
}

// fields reads a map strictly: a key that is not known is an error, unless it begins
// with "x-". It returns false where n is no map.
func (d *decoder) fields(n node, known ...field) bool {
	if n.null() {
		return true
	}
	if n.shape() != mapping {
		d.errorf(codeWrongShape, n, "its keys are "+strings.Join(keysOf(known), ", "), "a map is wanted here, not a %s", n.shape())
		return false
	}
next:
	for k, v := range n.entries() {
		for _, f := range known {
			if f.key == k.text() {
				f.read(v)
				continue next
			}
		}
		if !strings.HasPrefix(k.text(), "x-") {
			d.unknown(k, n, keysOf(known))
		}
	}
	return true
}

// keysOf returns copies of the keys: with the keys themselves, all that the fields hold
// would have to live on the heap.
func keysOf(known []field) []string {
	l := make([]string, len(known))
	for i, f := range known {
		l[i] = strings.Clone(f.key)
	}
	return l
}

// unknown tells a key that isn't known, at the key and with the path of the map.
func (d *decoder) unknown(k, in node, keys []string) {
	d.problems = append(d.problems, Problem{
		Code: codeUnknownKey, Pos: k.pos(), Path: in.path(), Message: fmt.Sprintf("unknown key %q", k.text()), Hint: didYouMean(k.text(), keys),
	})
}

// each reads the entries of a map whose keys are names; those with "x-" are left
// out.
func (d *decoder) each(n node, what string, read func(key, value node)) {
	if n.null() {
		return
	}
	if n.shape() != mapping {
		d.errorf(codeWrongShape, n, "", "a map of %s is wanted here, not a %s", what, n.shape())
		return
	}
	for k, v := range n.entries() {
		if !strings.HasPrefix(k.text(), "x-") {
			read(k, v)
		}
	}
}

// text reads a scalar; ok is false, and told, where there is none.
func (d *decoder) text(n node, what string) (s string, ok bool) {
	switch {
	case n.null():
		d.errorf(codeNothingGiven, n, "", "%s is wanted here, and nothing is given", what)
	case n.shape() != scalar:
		d.errorf(codeWrongShape, n, "", "%s is wanted here, not a %s", what, n.shape())
	case n.text() == "":
		d.errorf(codeNothingGiven, n, "", "%s is wanted here, not an empty text", what)
	default:
		return n.text(), true
	}
	return "", false
}

func (d *decoder) str(n node, what string) value[string] {
	if s, ok := d.text(n, what); ok {
		return value[string]{s, n}
	}
	return value[string]{}
}

// number reads a decimal number within bounds.
func (d *decoder) number(n node, what string, least, most uint32) value[uint32] {
	s, ok := d.text(n, what)
	if !ok {
		return value[uint32]{}
	}
	v, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err != nil || s[0] == '+':
		d.errorf(codeNotNumber, n, "", "%q is not %s: a whole number from %d to %d is wanted", s, what, least, most)
	case len(s) > 1 && s[0] == '0':
		d.errorf(codeLeadingZero, n, "write it without the leading 0", "%q is not clearly %s", s, what)
	case uint32(v) < least || uint32(v) > most:
		d.errorf(codeOutOfRange, n, "", "%s is a whole number from %d to %d, not %s", what, least, most, s)
	default:
		return value[uint32]{uint32(v), n}
	}
	return value[uint32]{}
}

func (d *decoder) flag(n node) value[bool] {
	s, ok := d.text(n, "true or false")
	if !ok {
		return value[bool]{}
	}
	if s != "true" && s != "false" {
		d.errorf(codeNotFlag, n, "", "%q is neither true nor false", s)
		return value[bool]{}
	}
	return value[bool]{s == "true", n}
}

// oneOf reads one of a few words.
func (d *decoder) oneOf(n node, what string, words ...string) value[string] {
	s, ok := d.text(n, what)
	if !ok {
		return value[string]{}
	}
	for _, w := range words {
		if s == w {
			return value[string]{s, n}
		}
	}
	d.errorf(codeNotWord, n, didYouMean(s, words), "%q is not %s", s, what)
	return value[string]{}
}

func (d *decoder) mac(n node) value[model.MAC] {
	s, ok := d.text(n, "a MAC address")
	if !ok {
		return value[model.MAC]{}
	}
	m, err := model.ParseMAC(s)
	switch {
	case err != nil:
		d.errorf(codeNotMAC, n, "", "%v", err)
	case m.IsZero():
		d.errorf(codeBadMAC, n, "", "%s is no MAC address that a device can have", m)
	case m.IsMulticast():
		d.errorf(codeBadMAC, n, "clear the lowest bit of the first byte", "%s is a multicast address; no device can have it", m)
	default:
		return value[model.MAC]{m, n}
	}
	return value[model.MAC]{}
}

// ip reads an address without a length.
func (d *decoder) ip(n node) value[netip.Addr] {
	s, ok := d.text(n, "an IP address")
	if !ok {
		return value[netip.Addr]{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		hint := ""
		if _, e := netip.ParsePrefix(s); e == nil {
			hint = "write it without the length"
		}
		d.errorf(codeNotAddress, n, hint, "%q is not an IP address", s)
		return value[netip.Addr]{}
	}
	if !d.usable(n, a) {
		return value[netip.Addr]{}
	}
	return value[netip.Addr]{a, n}
}

// parseAddr is netip.ParseAddr, without the cost of the error for what has a length.
func parseAddr(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, '/') >= 0 && strings.IndexByte(s, '%') < 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

// usable refuses addresses that no host can have.
func (d *decoder) usable(n node, a netip.Addr) bool {
	switch {
	case a.Zone() != "":
		d.errorf(codeBadAddress, n, "", "%s has a zone; addresses here mean the same on every host", a)
	case a.Is4In6():
		d.errorf(codeBadAddress, n, fmt.Sprintf("write %s", a.Unmap()), "%s is an IPv4 address in IPv6 notation", a)
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		d.errorf(codeBadAddress, n, "", "%s cannot be the address of a host", a)
	case a.IsLinkLocalUnicast() && a.Is6():
		d.errorf(codeBadAddress, n, "", "%s is link-local: the kernel makes such addresses itself, and no other link can reach them", a)
	default:
		return true
	}
	return false
}

// prefix reads an address with the length of its subnet. With lone, an address
// without one stands for itself alone.
func (d *decoder) prefix(n node, lone bool) value[netip.Prefix] {
	s, ok := d.text(n, "an address with the length of its subnet")
	if !ok {
		return value[netip.Prefix]{}
	}
	if a, ok := parseAddr(s); ok {
		if !d.usable(n, a) {
			return value[netip.Prefix]{}
		}
		if lone {
			return value[netip.Prefix]{netip.PrefixFrom(a, a.BitLen()), n}
		}
		example := fmt.Sprintf("%s/24", a)
		if a.Is6() {
			example = fmt.Sprintf("%s/64", a)
		}
		d.errorf(codeNoLength, n, "such as "+example, "%s lacks the length of its subnet", s)
		return value[netip.Prefix]{}
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		d.errorf(codeNoLength, n, "", "%q is not an address with a length, such as 10.0.0.1/24", s)
		return value[netip.Prefix]{}
	}
	if p.Bits() == 0 {
		d.errorf(codeWholeInternet, n, "", "the length 0 of %s would make the whole Internet its subnet", s)
		return value[netip.Prefix]{}
	}
	if !d.usable(n, p.Addr()) {
		return value[netip.Prefix]{}
	}
	return value[netip.Prefix]{p, n}
}

// several reads a scalar, or a list of them, and puts them behind those on a shelf.
func several[T any](d *decoder, n node, what string, shelf *[]value[T], read func(node) value[T]) []value[T] {
	l := *shelf
	from := len(l)
	switch {
	case n.null():
	case n.shape() == mapping:
		d.errorf(codeWrongShape, n, "", "%s, or a list of them, is wanted here, not a map", what)
	case n.shape() == list:
		for item := range n.items() {
			if v := read(item); v.given() {
				l = append(l, v)
			}
		}
	default:
		if v := read(n); v.given() {
			l = append(l, v)
		}
	}
	*shelf = l
	return l[from:len(l):len(l)]
}

func (d *decoder) prefixes(n node) []value[netip.Prefix] {
	return several(d, n, "an address with a length", &d.shelves.prefixes, func(n node) value[netip.Prefix] { return d.prefix(n, false) })
}
