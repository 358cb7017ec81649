package model

import "fmt"

// attrs collects the specified attributes of an object in printing order.
type attrs []Attr

// add appends the attribute a with the value of o, where o is specified.
func add[T comparable](l *attrs, a Attr, o Opt[T]) {
	v, ok := o.Get()
	if !ok {
		return
	}
	a.Value = attrString(v)
	*l = append(*l, a)
}

// attrString writes a value as iproute2 would: "on" and "off", "any" for no address.
func attrString(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "on"
		}
		return "off"
	case string:
		return v
	case interface{ IsValid() bool }: // netip.Addr, netip.Prefix
		if !v.IsValid() {
			return ""
		}
	}
	return fmt.Sprint(v)
}
