package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"
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

// atOnce is how many namespaces are probed from at the same time.
const atOnce = 8

// Run probes from every namespace of the node, on its host, to every namespace of
// every node, as far as the overlay leads there; see Pairs. From a namespace that is
// not on the host, nothing is reached.
func Run(ctx context.Context, h *kernel.Host, t *spec.Topology, node *spec.Node, o Options) (*model.Matrix, error) {
	parts := make([][]model.Pair, len(node.Namespaces))
	for i := range node.Namespaces {
		parts[i] = Pairs(t, node, &node.Namespaces[i])
	}
	return matrix(ctx, h, parts, o)
}

// Again probes pairs once more; those with the same source stand side by side.
func Again(ctx context.Context, h *kernel.Host, pairs []model.Pair, o Options) (*model.Matrix, error) {
	var parts [][]model.Pair
	for i, p := range pairs {
		if i == 0 || p.From != pairs[i-1].From {
			parts = append(parts, nil)
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], model.Pair{From: p.From, To: p.To, Dst: p.Dst})
	}
	return matrix(ctx, h, parts, o)
}

// matrix probes the pairs of several sources side by side.
func matrix(ctx context.Context, h *kernel.Host, parts [][]model.Pair, o Options) (*model.Matrix, error) {
	o = o.withDefaults()
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range parts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = probe(ctx, h, parts[i], o)
		})
	}
	wg.Wait()
	m := &model.Matrix{}
	for i, pairs := range parts {
		if errs[i] != nil {
			return nil, fmt.Errorf("verify %s: %w", pairs[0].From, errs[i])
		}
		m.Pairs = append(m.Pairs, pairs...)
	}
	return m, nil
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
	if errors.Is(err, fs.ErrNotExist) {
		for i := range pairs {
			pairs[i].Err = fmt.Sprintf("%s has no namespace %s: apply makes it", pairs[i].From.Node, netns)
		}
		return nil
	}
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

// pathMTUs finds out how large packets may be, of the pairs that reach each other.
func pathMTUs(ctx context.Context, h *kernel.Host, pairs []model.Pair, o Options) error {
	var dsts []netip.Addr
	var index []int
	for i, p := range pairs {
		if p.OK {
			dsts, index = append(dsts, p.Dst), append(index, i)
		}
	}
	if len(dsts) == 0 {
		return nil
	}
	netns := pairs[0].From.Netns
	most, err := deviceMTU(ctx, h, netns)
	if err != nil {
		return err
	}
	sizes, err := h.PathMTUs(ctx, netns, dsts, most, o.Timeout)
	if err != nil {
		return err
	}
	for j, size := range sizes {
		pairs[index[j]].MTU = size
	}
	return nil
}

// deviceMTU returns the largest MTU of a namespace's devices that are up; 0 for none.
func deviceMTU(ctx context.Context, h *kernel.Host, netns string) (int, error) {
	links, err := h.Devices(ctx, netns)
	if err != nil {
		return 0, err
	}
	most := 0
	for _, l := range links {
		if l.Name != "lo" && l.Up.Value() {
			most = max(most, int(l.MTU.Value()))
		}
	}
	return most, nil
}
