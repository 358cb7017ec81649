package lab

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

// Change brings a host to what another topology asks, or to a phase of that, and returns
// the plan that was executed. A node that the topology doesn't have is emptied.
type Change func(ctx context.Context, h Host, phase diff.Phase) (*diff.Plan, error)

// Attempt is a change of a topology that is tried in a lab under traffic.
type Attempt struct {
	From, To *spec.Topology
	Converge Converge // to From
	Change   Change   // to To
	Phases   bool     // in three parts, each on all nodes before the next
	Every    time.Duration
}

// How fast pairs are probed where nobody says so: often, but no more than so many
// packets a second in all.
const (
	usualInterval = 10 * time.Millisecond
	mostPackets   = 5000
)

// interval is the time between two packets of a pair.
func (a *Attempt) interval(pairs int) time.Duration {
	if a.Every > 0 {
		return a.Every
	}
	return max(usualInterval, (time.Duration(pairs) * time.Second / mostPackets).Round(time.Millisecond))
}

// Try brings the old topology up, lets packets flow between all pairs of namespaces that
// the new one has, too, and then changes one node after the other. The Trial is not
// judged yet.
func Try(ctx context.Context, a Attempt) (*model.Trial, error) {
	whole, err := together(a.From, a.To)
	if err != nil {
		return nil, err
	}
	l, err := build(ctx, whole, a.From, a.Converge)
	if err != nil {
		return nil, err
	}
	if err := l.reachable(ctx); err != nil {
		return nil, err
	}
	before, after := pairsOf(a.From), pairsOf(a.To)
	t := &model.Trial{Left: len(before)}
	bySource := map[model.Place][]model.Pair{}
	for k, p := range before {
		if _, ok := after[k]; ok {
			bySource[p.From] = append(bySource[p.From], p)
			t.Left--
		}
	}
	t.Every = a.interval(len(before) - t.Left)
	dropped := dropping()
	stop := l.stream(ctx, bySource, t.Every)
	err = l.change(ctx, a, t)
	streams, streamErr := stop()
	t.Dropped = dropped()
	if err != nil {
		return nil, err
	}
	if streamErr != nil {
		return nil, streamErr
	}
	t.Pairs = streams
	l.topology = a.To
	m, err := l.Verify(ctx)
	if err != nil {
		return nil, err
	}
	t.After = m.Pairs
	return t, nil
}

// carriers is how long new links may take until they carry packets: the kernel's worker
// that tells bridges of their carriers (linkwatch) waits in line with all who change a
// network namespace of the machine.
const carriers = 15 * time.Second

// reachable refuses to try anything where not all pairs reach each other to begin with.
func (l *Lab) reachable(ctx context.Context) error {
	for begin := time.Now(); ; {
		m, err := l.Verify(ctx)
		if err != nil {
			return err
		}
		failed := m.Failed()
		if len(failed) == 0 {
			return nil
		}
		if time.Since(begin) < carriers {
			continue
		}
		p := failed[0]
		return fmt.Errorf("lab: with the topology as it was before, %d of %d pairs are unreachable, such as %s -> %s (%s): %s",
			len(failed), len(m.Pairs), p.From, p.To, p.Dst, p.Err)
	}
}

// pairKey identifies a pair: by who speaks to whom, at which address.
type pairKey struct {
	from, to model.Place
	dst      netip.Addr
}

func pairsOf(t *spec.Topology) map[pairKey]model.Pair {
	all := map[pairKey]model.Pair{}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		for j := range n.Namespaces {
			for _, p := range verify.Pairs(t, n, &n.Namespaces[j]) {
				all[pairKey{p.From, p.To, p.Dst}] = p
			}
		}
	}
	return all
}

// settle is how long a part of the change may have effects before the next one begins.
func settle(every time.Duration) time.Duration { return max(300*time.Millisecond, 10*every) }

// change makes the change, one node after the other, those last that leave.
func (l *Lab) change(ctx context.Context, a Attempt, t *model.Trial) error {
	if err := sleep(ctx, settle(t.Every)); err != nil {
		return err
	}
	phases := []diff.Phase{diff.Whole}
	if a.Phases {
		phases = []diff.Phase{diff.Prepare, diff.Commit, diff.Whole}
	}
	for _, phase := range phases {
		for i := range a.To.Nodes {
			if err := l.part(ctx, a, t, model.Part{Node: a.To.Nodes[i].Name, Phase: phase.String()}, phase); err != nil {
				return err
			}
		}
	}
	for i := range a.From.Nodes {
		if name := a.From.Nodes[i].Name; find(a.To, name) == nil {
			if err := l.part(ctx, a, t, model.Part{Node: name, Removed: true}, diff.Whole); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Lab) part(ctx context.Context, a Attempt, t *model.Trial, p model.Part, phase diff.Phase) error {
	p.Begin = time.Now()
	plan, err := a.Change(ctx, hostOf(p.Node), phase)
	if err != nil {
		return fmt.Errorf("lab: change %s: %w", p.Node, err)
	}
	p.Announced, p.Changes = plan.Summary().Impact, len(plan.Changes)
	t.Parts = append(t.Parts, p)
	return sleep(ctx, settle(t.Every))
}

// dropping returns what tells how many packets the machine has dropped since; none where
// it doesn't say.
func dropping() func() uint32 {
	before, err := kernel.Dropped()
	return func() uint32 {
		after, again := kernel.Dropped()
		if err != nil || again != nil {
			return 0
		}
		return after - before
	}
}

// stream lets packets flow between the pairs; what it returns ends that, and tells what
// came of them.
func (l *Lab) stream(ctx context.Context, bySource map[model.Place][]model.Pair, every time.Duration) func() ([]model.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var all []model.Stream
	var firstErr error
	var wg sync.WaitGroup
	for from, pairs := range bySource {
		wg.Go(func() {
			streams, err := streamFrom(ctx, from, pairs, every)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, streams...)
			if firstErr == nil {
				firstErr = err
			}
		})
	}
	return func() ([]model.Stream, error) {
		cancel()
		wg.Wait()
		return sorted(all), firstErr
	}
}

// streamFrom sends from one namespace.
func streamFrom(ctx context.Context, from model.Place, pairs []model.Pair, every time.Duration) ([]model.Stream, error) {
	at := hostOf(from.Node)
	h, err := kernel.Open(kernel.Options{Root: at.Root, NetnsDir: at.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var dsts []netip.Addr
	for _, p := range pairs {
		dsts = append(dsts, p.Dst)
	}
	series, err := h.Stream(ctx, from.Netns, dsts, every, time.Second)
	if err != nil {
		return nil, fmt.Errorf("lab: %s: %w", from.Node, err)
	}
	var l []model.Stream
	for i, s := range series {
		l = append(l, model.Stream{From: from, To: pairs[i].To, Dst: s.Dst, Sent: s.Sent, Answered: s.Answered})
	}
	return l, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
