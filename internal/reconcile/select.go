package reconcile

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Host is what tells which node a host is.
type Host struct {
	Name      string       // its hostname
	Addresses []netip.Addr // on its links
}

// SelectNode finds out which node of the topology the host is: the one that is
// named, else the one node with an address on a local link, else the one with the
// host's name. Nothing, or more than one, is an error that lists the candidates.
func SelectNode(t *spec.Topology, name string, host Host) (*spec.Node, error) {
	if name != "" {
		if n := nodeNamed(t, name); n != nil {
			return n, nil
		}
		return nil, &AbsentError{why: fmt.Sprintf("topology %s has no node %q; it has %s", t.Name, name, nodeList(t.Nodes))}
	}
	var local []spec.Node
	for _, n := range t.Nodes {
		if isAt(&n, host.Addresses) {
			local = append(local, n)
		}
	}
	switch len(local) {
	case 1:
		return nodeNamed(t, local[0].Name), nil
	case 0:
		if n := nodeNamed(t, host.Name); n != nil {
			return n, nil
		}
		return nil, &AbsentError{why: fmt.Sprintf("this host is no node of topology %s: it has none of the nodes' addresses, and no node is named %q; it has %s; say which with --node",
			t.Name, host.Name, nodeList(t.Nodes))}
	}
	return nil, fmt.Errorf("this host has the addresses of several nodes of topology %s: %s; say which it is with --node", t.Name, nodeList(local))
}

// Whole returns what says of which nodes of a topology all has to be read (spec.Options), for
// who needs to know what this host is to have, and no more: of the one that it is, or may
// be. name says which that is, or is "": then it looks at the host's addresses.
func (p Place) Whole(ctx context.Context, name string) func(*spec.Node) bool {
	if name != "" {
		return func(n *spec.Node) bool { return n.Name == name }
	}
	host := sync.OnceValues(func() (Host, error) { return hostOf(ctx, p) })
	return func(n *spec.Node) bool {
		h, err := host()
		return err != nil || n.Name == h.Name || isAt(n, h.Addresses)
	}
}

// isAt says whether a node has one of the addresses.
func isAt(n *spec.Node, addresses []netip.Addr) bool {
	return slices.ContainsFunc(n.Addresses, func(a netip.Addr) bool { return slices.Contains(addresses, a) })
}

func nodeNamed(t *spec.Topology, name string) *spec.Node {
	for i := range t.Nodes {
		if t.Nodes[i].Name == name {
			return &t.Nodes[i]
		}
	}
	return nil
}

// nodeList names nodes with their addresses, for an error; of many, the first few.
func nodeList(nodes []spec.Node) string {
	if len(nodes) == 0 {
		return "none"
	}
	const most = 10
	var l []string
	for i, n := range nodes {
		if i == most {
			l = append(l, fmt.Sprintf("and %d more", len(nodes)-most))
			break
		}
		var addresses []string
		for _, a := range n.Addresses {
			addresses = append(addresses, a.String())
		}
		l = append(l, fmt.Sprintf("%s (%s)", n.Name, strings.Join(addresses, ", ")))
	}
	return strings.Join(l, ", ")
}
