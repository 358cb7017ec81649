package model

// Netns is a named network namespace: a file below /run/netns.
type Netns struct {
	Name  string      `json:"name"`
	Alias Opt[string] `json:"alias,omitzero"` // the mark: the alias of its lo
	LoUp  Opt[bool]   `json:"lo_up,omitzero"` // its lo is up, so that it can reach itself
}

// Key implements Object.
func (n Netns) Key() Key { return NetnsKey(n.Name) }

// Needs implements Object: a namespace needs nothing.
func (n Netns) Needs() []Need { return nil }

// Attrs implements Object.
func (n Netns) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "lo up", Impact: ImpactNone}, n.LoUp)
	add(&l, Attr{Name: "alias", Mark: true}, n.Alias)
	return l
}

// Fill implements Object.
func (n Netns) Fill(from Object) Object {
	f := from.(Netns)
	n.Alias = n.Alias.Fill(f.Alias)
	n.LoUp = n.LoUp.Fill(f.LoUp)
	return n
}
