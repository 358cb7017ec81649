package status

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Changes counts changes by what they were. In JSON it is a list, in order.
type Changes map[ChangeKind]uint64

// countedChange is an entry of the list.
type countedChange struct {
	Action string `json:"action"`
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// Kinds returns what was counted, in order.
func (c Changes) Kinds() []ChangeKind {
	return slices.SortedFunc(maps.Keys(c), func(a, b ChangeKind) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Reason, b.Reason))
	})
}

// MarshalJSON writes the list.
func (c Changes) MarshalJSON() ([]byte, error) {
	l := make([]countedChange, 0, len(c))
	for _, k := range c.Kinds() {
		l = append(l, countedChange{k.Action, k.Kind, k.Reason, c[k]})
	}
	return json.Marshal(l)
}

// UnmarshalJSON reads the list.
func (c *Changes) UnmarshalJSON(b []byte) error {
	var l []countedChange
	if err := json.Unmarshal(b, &l); err != nil {
		return err
	}
	*c = make(Changes, len(l))
	for _, x := range l {
		(*c)[ChangeKind{x.Action, x.Kind, x.Reason}] += x.Count
	}
	return nil
}
