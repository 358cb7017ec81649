package model

import (
	"encoding/json"
	"net/netip"
	"strconv"
)

// AppendJSON appends what MarshalJSON returns: a step with all that undoing it takes. For
// routes, neighbours, FDB entries and addresses, of which a run may have very many, it makes
// no garbage; the other kinds go by encoding/json.
func (s Step) AppendJSON(b []byte) (_ []byte, err error) {
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
	}{{`,"lost":`, s.Lost}, {`,"released":`, s.Released}, {`,"restore":`, s.Restore}} {
		if b, err = appendList(b, x.name, x.list); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendList appends objects under a name, nothing where there are none.
func appendList(b []byte, name string, l []Object) (_ []byte, err error) {
	if len(l) == 0 {
		return b, nil
	}
	b = append(b, name...)
	sep := byte('[')
	for _, o := range l {
		if b, err = appendKindAndObject(append(b, sep), o); err != nil {
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
		b = o.appendJSON(append(b, `route","object":{`...))
	case Neighbour:
		b = o.appendJSON(append(b, `neighbour","object":{`...))
	case FDBEntry:
		b = o.appendJSON(append(b, `fdb","object":{`...))
	case Address:
		b = o.appendJSON(append(b, `address","object":{`...))
	default:
		object, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		b = append(b, o.Key().Kind.String()...)
		b = append(b, `","object":`...)
		b = append(b, object...)
		return append(b, '}'), nil
	}
	return append(b, `}}`...), nil
}

func (r Route) appendJSON(b []byte) []byte {
	b = appendNetns(b, r.Netns)
	b = appendPrefix(append(b, `"dst":`...), r.Dst)
	b = appendUint(append(b, `,"table":`...), r.Table)
	if r.Metric != 0 {
		b = appendUint(append(b, `,"metric":`...), r.Metric)
	}
	b = appendOpt(b, `,"type":`, r.Type, appendString)
	b = appendOpt(b, `,"via":`, r.Via, appendAddr)
	b = appendOpt(b, `,"dev":`, r.Dev, appendString)
	b = appendOpt(b, `,"onlink":`, r.OnLink, strconv.AppendBool)
	b = appendOpt(b, `,"scope":`, r.Scope, appendUint)
	b = appendOpt(b, `,"src":`, r.Src, appendAddr)
	b = appendOpt(b, `,"nexthops":`, r.NextHops, appendString)
	return appendOpt(b, `,"protocol":`, r.Protocol, appendUint)
}

func (n Neighbour) appendJSON(b []byte) []byte {
	b = appendNetns(b, n.Netns)
	b = appendString(append(b, `"link":`...), n.Link)
	b = appendAddr(append(b, `,"ip":`...), n.IP)
	b = appendOpt(b, `,"mac":`, n.MAC, appendMAC)
	b = appendOpt(b, `,"state":`, n.State, appendUint)
	return appendOpt(b, `,"protocol":`, n.Protocol, appendUint)
}

func (f FDBEntry) appendJSON(b []byte) []byte {
	b = appendNetns(b, f.Netns)
	b = appendString(append(b, `"link":`...), f.Link)
	b = appendMAC(append(b, `,"mac":`...), f.MAC)
	b = appendOpt(b, `,"dst":`, f.Dst, appendAddr)
	return appendOpt(b, `,"state":`, f.State, appendUint)
}

func (a Address) appendJSON(b []byte) []byte {
	b = appendNetns(b, a.Netns)
	b = appendString(append(b, `"link":`...), a.Link)
	b = appendPrefix(append(b, `,"prefix":`...), a.Prefix)
	b = appendOpt(b, `,"scope":`, a.Scope, appendUint)
	return appendOpt(b, `,"protocol":`, a.Protocol, appendUint)
}

func appendNetns(b []byte, netns string) []byte {
	if netns == "" {
		return b
	}
	return append(appendString(append(b, `"netns":`...), netns), ',')
}

// appendOpt appends an attribute that is not open.
func appendOpt[T comparable](b []byte, name string, o Opt[T], value func([]byte, T) []byte) []byte {
	if !o.set {
		return b
	}
	return value(append(b, name...), o.value)
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
