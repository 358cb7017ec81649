package model

import (
	"encoding/json"
	"net/netip"
	"strconv"
)

// AppendJSON appends what MarshalJSON returns: a step with all that undoing it takes. For
// routes, neighbours, FDB entries and addresses, of which a run may have very many, it makes
// no garbage; the other kinds go by encoding/json.
func (s Step) AppendJSON(b []byte) ([]byte, error) { return s.appendJSON(b, goOn) }

// goOn is what is done between objects where nobody takes what is there already.
func goOn(b []byte) ([]byte, error) { return b, nil }

// appendJSON is AppendJSON, which after each object of a list, of which there may be very
// many, goes on with what next returns.
func (s Step) appendJSON(b []byte, next func([]byte) ([]byte, error)) (_ []byte, err error) {
	b = append(b, `{"op":"`...)
	b = append(b, s.Op.String()...)
	b = append(b, '"')
	if s.Before != nil {
		if b, err = appendKindAndObject(append(b, `,"before":`...), s.Before); err != nil {
			return nil, err
		}
	}
	if s.After != nil {
		if b, err = appendKindAndObject(append(b, `,"after":`...), s.After); err != nil {
			return nil, err
		}
	}
	for _, x := range [...]struct {
		name string
		list []Object
	}{{`,"lost":`, s.Lost()}, {`,"released":`, s.Released()}, {`,"restore":`, s.Restore()}} {
		if b, err = appendList(b, x.name, x.list, next); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendList appends objects under a name, nothing where there are none.
func appendList(b []byte, name string, l []Object, next func([]byte) ([]byte, error)) (_ []byte, err error) {
	if len(l) == 0 {
		return b, nil
	}
	b = append(b, name...)
	sep := byte('[')
	for _, o := range l {
		if b, err = appendKindAndObject(append(b, sep), o); err != nil {
			return nil, err
		}
		if b, err = next(b); err != nil {
			return nil, err
		}
		sep = ','
	}
	return append(b, ']'), nil
}

// appendKindAndObject appends an object with its kind, as envelope reads it.
func appendKindAndObject(b []byte, o Object) ([]byte, error) {
	b = append(b, `{"kind":"`...)
	switch o := o.(type) {
	case Route:
		b = o.appendJSON(append(b, `route","object":`...), nil)
	case Neighbour:
		b = o.appendJSON(append(b, `neighbour","object":`...), nil)
	case FDBEntry:
		b = o.appendJSON(append(b, `fdb","object":`...), nil)
	case Address:
		b = o.appendJSON(append(b, `address","object":`...), nil)
	default:
		object, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		b = append(b, KindOf(o).String()...)
		b = append(b, `","object":`...)
		b = append(b, object...)
	}
	return append(b, '}'), nil
}

// The objects' appendJSON appends what encoding/json makes of them, or, if last is not
// nil, just the fields that differ from those of last: such as what a reader must change
// of that to have the object.

func (r *Route) appendJSON(b []byte, last *Route) []byte {
	start, whole := len(b), last == nil
	if whole {
		last = &Route{}
	}
	if r.Netns != last.Netns {
		b = appendString(append(b, `,"netns":`...), r.Netns)
	}
	if whole || r.Dst != last.Dst {
		b = appendPrefix(append(b, `,"dst":`...), r.Dst)
	}
	if whole || r.Table != last.Table {
		b = appendUint(append(b, `,"table":`...), r.Table)
	}
	if r.Metric != last.Metric {
		b = appendUint(append(b, `,"metric":`...), r.Metric)
	}
	b = appendOpt(b, `,"type":`, r.Type, last.Type, appendString)
	b = appendOpt(b, `,"via":`, r.Via, last.Via, appendAddr)
	b = appendOpt(b, `,"dev":`, r.Dev, last.Dev, appendString)
	b = appendOpt(b, `,"onlink":`, r.OnLink, last.OnLink, strconv.AppendBool)
	b = appendOpt(b, `,"scope":`, r.Scope, last.Scope, appendUint)
	b = appendOpt(b, `,"src":`, r.Src, last.Src, appendAddr)
	b = appendOpt(b, `,"nexthops":`, r.NextHops, last.NextHops, appendString)
	b = appendOpt(b, `,"protocol":`, r.Protocol, last.Protocol, appendUint)
	return braced(b, start)
}

func (n *Neighbour) appendJSON(b []byte, last *Neighbour) []byte {
	start, whole := len(b), last == nil
	if whole {
		last = &Neighbour{}
	}
	b = appendPlace(b, whole, place{n.Netns, n.Link}, place{last.Netns, last.Link})
	if whole || n.IP != last.IP {
		b = appendAddr(append(b, `,"ip":`...), n.IP)
	}
	b = appendOpt(b, `,"mac":`, n.MAC, last.MAC, appendMAC)
	b = appendOpt(b, `,"state":`, n.State, last.State, appendUint)
	b = appendOpt(b, `,"protocol":`, n.Protocol, last.Protocol, appendUint)
	return braced(b, start)
}

func (f *FDBEntry) appendJSON(b []byte, last *FDBEntry) []byte {
	start, whole := len(b), last == nil
	if whole {
		last = &FDBEntry{}
	}
	b = appendPlace(b, whole, place{f.Netns, f.Link}, place{last.Netns, last.Link})
	if whole || f.MAC != last.MAC {
		b = appendMAC(append(b, `,"mac":`...), f.MAC)
	}
	b = appendOpt(b, `,"dst":`, f.Dst, last.Dst, appendAddr)
	b = appendOpt(b, `,"state":`, f.State, last.State, appendUint)
	return braced(b, start)
}

func (a *Address) appendJSON(b []byte, last *Address) []byte {
	start, whole := len(b), last == nil
	if whole {
		last = &Address{}
	}
	b = appendPlace(b, whole, place{a.Netns, a.Link}, place{last.Netns, last.Link})
	if whole || a.Prefix != last.Prefix {
		b = appendPrefix(append(b, `,"prefix":`...), a.Prefix)
	}
	b = appendOpt(b, `,"scope":`, a.Scope, last.Scope, appendUint)
	b = appendOpt(b, `,"protocol":`, a.Protocol, last.Protocol, appendUint)
	return braced(b, start)
}

// place is the namespace and the link that an object is on.
type place struct{ netns, link string }

// appendPlace appends what of it differs from the last one, or whatever is to be told of
// the whole object.
func appendPlace(b []byte, whole bool, at, last place) []byte {
	if at.netns != last.netns {
		b = appendString(append(b, `,"netns":`...), at.netns)
	}
	if whole || at.link != last.link {
		b = appendString(append(b, `,"link":`...), at.link)
	}
	return b
}

// braced makes an object of the fields as of start, each of which has a comma before it.
func braced(b []byte, start int) []byte {
	if len(b) == start {
		return append(b, `{}`...)
	}
	b[start] = '{'
	return append(b, '}')
}

// appendOpt appends an attribute that differs from the last one; null says that it is
// open.
func appendOpt[T comparable](b []byte, name string, o, last Opt[T], value func([]byte, T) []byte) []byte {
	if o == last {
		return b
	}
	b = append(b, name...)
	if !o.set {
		return append(b, `null`...)
	}
	return value(b, o.value)
}

func appendUint[T uint8 | uint16 | uint32](b []byte, v T) []byte {
	return strconv.AppendUint(b, uint64(v), 10)
}

// appendString leaves to encoding/json what has to be escaped.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			escaped, _ := json.Marshal(s) // never fails for a string
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Zone() != "" { // may be any text
		return appendString(b, a.String())
	}
	b, _ = a.AppendText(append(b, '"')) // never fails
	return append(b, '"')
}

func appendPrefix(b []byte, p netip.Prefix) []byte {
	b, _ = p.AppendText(append(b, '"')) // never fails; a prefix has no zone
	return append(b, '"')
}

func appendMAC(b []byte, m MAC) []byte {
	const digits = "0123456789abcdef"
	sep := byte('"')
	for _, v := range m {
		b = append(b, sep, digits[v>>4], digits[v&15])
		sep = ':'
	}
	return append(b, '"')
}
