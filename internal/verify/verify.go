package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Options say how to probe; the zero value has sane defaults.
type Options struct {
	Tries   int           // 0: 5
	Timeout time.Duration // of each try; 0: 1 s
	MTU     bool          // find out the path MTU of each pair, too
}

func (o Options) withDefaults() Options {
	if o.Tries == 0 {
		o.Tries = 5
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	return o
}

// target is an address to be reached.
type target struct {
	place model.Place
	addr  netip.Addr
}

// Run probes from every namespace of the node, on its host, to every namespace of
// every node. Namespaces of other nodes are only probed where the overlay leads:
// not on bridges that are local. Namespaces that share no family are no pair.
func Run(ctx context.Context, h *kernel.Host, t *spec.Topology, node *spec.Node, o Options) (*model.Matrix, error) {
	o = o.withDefaults()
	m := &model.Matrix{}
	all := targets(t, node)
	for i := range node.Namespaces {
		ns := &node.Namespaces[i]
		from := model.Place{Node: node.Name, Netns: ns.Name}
		var pairs []model.Pair
		for _, x := range all {
			if x.place != from && speaks(ns, x.addr) {
				pairs = append(pairs, model.Pair{From: from, To: x.place, Dst: x.addr})
			}
		}
		if err := probe(ctx, h, pairs, o); err != nil {
			return nil, fmt.Errorf("verify %s: %w", from, err)
		}
		m.Pairs = append(m.Pairs, pairs...)
	}
	return m, nil
}

func targets(t *spec.Topology, node *spec.Node) []target {
	var l []target
	for i := range t.Nodes {
		n := &t.Nodes[i]
		shared := map[string]bool{}
		for _, b := range n.Bridges {
			shared[b.Name] = b.Overlay || n.Name == node.Name
		}
		for _, ns := range n.Namespaces {
			for _, iface := range ns.Interfaces {
				for _, a := range iface.Addresses {
					if shared[iface.Bridge] {
						l = append(l, target{model.Place{Node: n.Name, Netns: ns.Name}, a.Addr()})
					}
				}
			}
		}
	}
	return l
}

// speaks says whether a namespace has an address of the family.
func speaks(ns *spec.Namespace, a netip.Addr) bool {
	for _, i := range ns.Interfaces {
		for _, p := range i.Addresses {
			if p.Addr().Is4() == a.Is4() {
				return true
			}
		}
	}
	return false
}

// probe fills in what came of the pairs, which share their source.
func probe(ctx context.Context, h *kernel.Host, pairs []model.Pair, o Options) error {
	if len(pairs) == 0 {
		return nil
	}
	netns := pairs[0].From.Netns
	probes := make([]kernel.Probe, len(pairs))
	for i, p := range pairs {
		probes[i].Dst = p.Dst
	}
	replies, err := h.Ping(ctx, netns, probes, o.Tries, o.Timeout)
	if err != nil {
		return err
	}
	for i, r := range replies {
		pairs[i].OK, pairs[i].RTT = r.Err == nil, r.RTT
		if r.Err != nil {
			pairs[i].Err = r.Err.Error()
		}
	}
	if !o.MTU {
		return nil
	}
	return pathMTUs(ctx, h, pairs, o)
}

// pathMTUs tries the size of the namespace's own device for all pairs at once, and
// narrows down only where that doesn't pass.
func pathMTUs(ctx context.Context, h *kernel.Host, pairs []model.Pair, o Options) error {
	netns := pairs[0].From.Netns
	most, err := deviceMTU(ctx, h, netns)
	if err != nil {
		return err
	}
	var probes []kernel.Probe
	var index []int
	for i, p := range pairs {
		if p.OK {
			probes = append(probes, kernel.Probe{Dst: p.Dst, Size: most})
			index = append(index, i)
		}
	}
	replies, err := h.Ping(ctx, netns, probes, 1, o.Timeout)
	if err != nil {
		return err
	}
	for j, r := range replies {
		p := &pairs[index[j]]
		if r.Err == nil {
			p.MTU = most
			continue
		}
		if p.MTU, err = h.PathMTU(ctx, netns, p.Dst, most, o.Timeout/2); err != nil {
			return err
		}
	}
	return nil
}

func deviceMTU(ctx context.Context, h *kernel.Host, netns string) (int, error) {
	links, err := h.Links(ctx, netns)
	if err != nil {
		return 0, err
	}
	most := 0
	for _, l := range links {
		if l.Name != "lo" && l.Up.Value() {
			most = max(most, int(l.MTU.Value()))
		}
	}
	if most == 0 {
		return 0, errors.New("no device is up")
	}
	return most, nil
}
