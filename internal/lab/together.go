package lab

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// together is a topology with the nodes of both, for whose hosts an underlay is made: a
// node has the addresses that either gives it.
func together(from, to *spec.Topology) (*spec.Topology, error) {
	t := &spec.Topology{Name: to.Name, MTU: max(from.MTU, to.MTU)}
	if from.Name != to.Name {
		return nil, fmt.Errorf("the topology was called %s before, and is called %s now: that is another topology, to which a host changes by destroy and apply", from.Name, to.Name)
	}
	if (from.MTU == 0) != (to.MTU == 0) {
		t.MTU = max(t.MTU, defaultMTU)
	}
	for _, n := range to.Nodes {
		if old := find(from, n.Name); old != nil {
			if a, b := cmp.Or(old.Interface, "eth0"), cmp.Or(n.Interface, "eth0"); a != b {
				return nil, fmt.Errorf("lab: the underlay device of %s was %s before, and is %s now: a lab's hosts have one", n.Name, a, b)
			}
			for _, a := range old.Addresses {
				if !slices.Contains(n.Addresses, a) {
					n.Addresses = append(n.Addresses[:len(n.Addresses):len(n.Addresses)], a)
				}
			}
			n.Bridges = append(n.Bridges[:len(n.Bridges):len(n.Bridges)], old.Bridges...)
		}
		t.Nodes = append(t.Nodes, n)
	}
	for _, n := range from.Nodes {
		if find(to, n.Name) == nil {
			t.Nodes = append(t.Nodes, n)
		}
	}
	return t, nil
}

func find(t *spec.Topology, node string) *spec.Node {
	if i := slices.IndexFunc(t.Nodes, func(n spec.Node) bool { return n.Name == node }); i >= 0 {
		return &t.Nodes[i]
	}
	return nil
}

// sorted orders pairs by source and destination.
func sorted(l []model.Stream) []model.Stream {
	slices.SortFunc(l, func(a, b model.Stream) int {
		return cmp.Or(cmp.Compare(a.From.String(), b.From.String()), cmp.Compare(a.To.String(), b.To.String()), a.Dst.Compare(b.Dst))
	})
	return l
}
