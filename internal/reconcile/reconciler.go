package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// DefaultRunDir is where run-time files lie: locks, and what sysctls were before.
const DefaultRunDir = "/run/netplan-overlay"

// Place says where a host is; the zero value is the one that the process runs on.
type Place struct {
	Root     string // the file of its root network namespace; "": the process's own
	NetnsDir string // where its named namespaces are; "": /run/netns
	RunDir   string // "": DefaultRunDir

	// Sessions are the connections by which the host is managed, beside its default
	// routes; nil: none.
	Sessions []model.Session

	// Ahead is a look that has begun; nil: none. The first Reconciler of the place has it.
	Ahead *Ahead

	// Trace is told of each step as it is done or refused; nil tells nobody.
	Trace func(s model.Step, err error)
	// OnWrite is asked before each request that changes something; its error refuses
	// the request in the kernel's place. nil isn't asked.
	OnWrite func() error
}

func (p Place) runDir() string {
	if p.RunDir == "" {
		return DefaultRunDir
	}
	return p.RunDir
}

// options open the host, as far as they don't depend on the node.
func (p Place) options() kernel.Options {
	return kernel.Options{Root: p.Root, NetnsDir: p.NetnsDir, Trace: p.Trace, OnWrite: p.OnWrite}
}

// Reconciler brings one host to what a topology asks of one node.
type Reconciler struct {
	Topology *spec.Topology
	Node     *spec.Node
	Absent   bool // the topology does not have the node: it is to have nothing
	Host     *kernel.Host
	// Sparing says that the other nodes of the topology are let go as soon as it is worked
	// out what this one should have, and the changes of a plan as soon as they are done.
	// Topology has no nodes then, and the plan its summary.
	Sparing bool
	spared  bool         // they are let go
	peers   []netip.Addr // of which facts are asked, once they are let go

	place  Place
	swept  bool
	glance *kernel.Glance // that was begun ahead, for one Plan; nil: none
	ahead  *apply.Lock    // that was taken ahead, for one run; nil: none
	latest expanded       // by Plan
	draft  draft          // of the note of what is applied just now
}

// New opens the host and finds out which node of the topology it is; name says so,
// or is "". The caller closes the Reconciler.
func New(ctx context.Context, t *spec.Topology, name string, place Place) (*Reconciler, error) {
	node, err := find(ctx, t, name, place)
	var absent *AbsentError
	if errors.As(err, &absent) {
		return nil, leftOn(ctx, t, place, absent)
	}
	if err != nil {
		return nil, err
	}
	if node.Brief { // the host has got its address since it was asked which node it is
		if t, node, err = readAgain(t, node.Name); err != nil {
			return nil, err
		}
	}
	return open(t, node, place)
}

func open(t *spec.Topology, node *spec.Node, place Place) (*Reconciler, error) {
	if err := kernel.CheckComponent(t.Name + "@" + node.Name); err != nil {
		return nil, err
	}
	h, glance, lock := place.Ahead.take()
	if h == nil {
		var err error
		if h, err = kernel.Open(place.options()); err != nil {
			return nil, err
		}
		glance = nil
	}
	h.RememberIn(place.stateDir(t, node))
	return &Reconciler{Topology: t, Node: node, Host: h, place: place, glance: glance, ahead: lock}, nil
}

// stateDir is where the run-time files of a node of a topology lie.
func (p Place) stateDir(t *spec.Topology, node *spec.Node) string {
	return filepath.Join(p.runDir(), t.Name+"@"+node.Name)
}

func (r *Reconciler) stateDir() string { return r.place.stateDir(r.Topology, r.Node) }

// Close gives the host's handles back, and a lock that was taken ahead for nothing.
func (r *Reconciler) Close() error {
	err := r.Host.Close()
	if r.ahead != nil {
		err = errors.Join(err, r.ahead.Release())
	}
	return err
}

// find looks at the host's addresses only if it must: naming the node needs no
// look.
func find(ctx context.Context, t *spec.Topology, name string, place Place) (*spec.Node, error) {
	if name != "" {
		return SelectNode(t, name, Host{})
	}
	host, err := hostOf(ctx, place)
	if err != nil {
		return nil, err
	}
	return SelectNode(t, name, host)
}

// hostOf finds out what tells which node the host is.
func hostOf(ctx context.Context, place Place) (Host, error) {
	local, err := localAddresses(ctx, place)
	if err != nil {
		return Host{}, err
	}
	var h Host
	for _, a := range local {
		h.Addresses = append(h.Addresses, a.Prefix.Addr())
	}
	h.Name, _ = os.Hostname() // without one, the addresses have to do
	return h, nil
}

// localAddresses returns those of the host, which a look ahead has found.
func localAddresses(ctx context.Context, place Place) ([]model.Address, error) {
	if g := place.Ahead.seen(); g != nil {
		return observe.Local(ctx, g)
	}
	h, err := kernel.Open(kernel.Options{Root: place.Root, NetnsDir: place.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return observe.Local(ctx, h)
}

// Here says whether the host has an underlay address of the node.
func (r *Reconciler) Here(ctx context.Context) (bool, error) {
	local, err := observe.Local(ctx, r.Host)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(local, func(a model.Address) bool {
		return slices.Contains(r.Node.Addresses, a.Prefix.Addr())
	}), nil
}

// Identity is the mark under which the reconciler works.
func (r *Reconciler) Identity() model.Identity {
	return model.Identity{Topology: r.Topology.Name, Node: r.Node.Name}
}

// Expand returns what the node should have, by the facts of the host.
func (r *Reconciler) Expand(ctx context.Context) (*desired.Expansion, error) {
	facts, err := r.facts(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	t, node, err := r.whole()
	if err != nil {
		return nil, err
	}
	return desired.Expand(t, node, facts)
}

func (r *Reconciler) facts(ctx context.Context, h observe.Host) (model.Facts, error) {
	peers := r.peers
	if !r.spared {
		peers = desired.Peers(r.Topology, r.Node)
	}
	return r.factsFor(ctx, h, peers)
}

// factsFor finds out the facts, of peers only what they say of some.
func (r *Reconciler) factsFor(ctx context.Context, h observe.Host, peers []netip.Addr) (model.Facts, error) {
	facts, err := observe.Facts(ctx, h, observe.Query{Addresses: r.Node.Addresses, Interface: r.Node.Interface, Peers: peers})
	if err != nil {
		return facts, fmt.Errorf("node %s (%s): %w", r.Node.Name, r.Node.Pos, err)
	}
	return facts, nil
}

// sameFacts returns ErrDoubt where the host is not as the facts have it, of peers as far as
// they are asked for.
func (r *Reconciler) sameFacts(ctx context.Context, h observe.Host, known model.Facts, peers []netip.Addr) error {
	facts, err := r.factsFor(ctx, h, peers)
	if err != nil {
		return err
	}
	for a, d := range facts.Direct.All() {
		if known.Direct.To(a) != d {
			return ErrDoubt
		}
	}
	known.Direct = facts.Direct
	if !facts.Equal(known) {
		return ErrDoubt
	}
	return nil
}

// Result is a plan with what it was made from.
type Result struct {
	Expansion *desired.Expansion // nil where all is to be removed
	Observed  *model.State
	Plan      *diff.Plan
	Empties   bool // the file leaves the node nothing, and the plan removes all that it had
	Shown     bool // Approve was shown this plan, or one just like it

	facts model.Facts // by which the expansion is
}

// Plan computes what is to be done. It changes nothing.
func (r *Reconciler) Plan(ctx context.Context, opts diff.Options) (*Result, error) {
	if r.Absent {
		return r.PlanDestroy(ctx)
	}
	glance := r.begin()
	facts, err := r.facts(ctx, glance)
	if err != nil {
		return nil, err
	}
	last := r.recall(ctx, facts)
	first := r.latest.want == nil
	x, err := r.expanded(facts)
	if err != nil {
		return nil, err
	}
	defaults := sync.OnceValues(func() ([]model.Path, error) { return r.Host.DefaultPaths(ctx) })
	if first && !last.same { // there will be steps, mostly: the guard needs them as they are now
		go defaults()
		defer defaults()
	}
	r.draft.wanted = r.draft.wanted && !last.same
	if r.draft.early {
		r.beginDraft(x, facts)
	}
	opts.LiveRename = r.Host.Features().LiveRename
	observed, err := r.observe(ctx, glance, x.State)
	if err != nil {
		return nil, err
	}
	r.draft.digested()
	desired.Adapt(x.State, observed)
	p := diff.Compute(x.State, observed, opts)
	if len(p.Changes) > 0 {
		last.originate(p, x.State, observed)
	}
	res := &Result{Expansion: x, Observed: observed, Plan: p, Empties: empties(r.Node, p), facts: facts}
	return r.guarded(ctx, res, func(context.Context) ([]model.Path, error) { return defaults() })
}

// begin begins a look at the host, or goes on with that which was begun ahead.
func (r *Reconciler) begin() *kernel.Glance {
	if g := r.glance; g != nil {
		r.glance = nil
		return g
	}
	return r.Host.Glance()
}

// PlanDestroy computes how to remove all that carries the node's mark.
func (r *Reconciler) PlanDestroy(ctx context.Context) (*Result, error) {
	if r.Sparing {
		r.letGo()
	}
	observed, err := r.observe(ctx, r.Host, nil)
	if err != nil {
		return nil, err
	}
	p := diff.Compute(&model.State{}, observed, diff.Options{})
	return r.guarded(ctx, &Result{Observed: observed, Plan: p}, r.Host.DefaultPaths)
}

// Observe returns what is there, within what concerns the node; a host that cannot
// be expanded for is observed by marks alone.
func (r *Reconciler) Observe(ctx context.Context) (*model.State, error) {
	var wanted *model.State
	if x, err := r.Expand(ctx); err == nil {
		wanted = x.State
	}
	return observe.State(ctx, r.Host, observe.Scope{Identity: r.Identity(), Wanted: wanted})
}

func (r *Reconciler) observe(ctx context.Context, h observe.Host, wanted *model.State) (*model.State, error) {
	s, err := observe.State(ctx, h, observe.Scope{Identity: r.Identity(), Wanted: wanted})
	r.Host.Trim()
	if err != nil {
		return nil, err
	}
	return s, alone(s, r.Identity())
}

// alone refuses a host that another topology, or another node of this one, has
// marked: one topology owns one root network namespace.
func alone(s *model.State, id model.Identity) error {
	var found []string
	who := ""
	for e := range s.Frame() {
		if l, ok := e.Object.(model.Link); ok && l.Netns == "" && e.Owner == model.OwnerOther {
			found = append(found, l.Name)
			who = max(who, e.Maker)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	return fmt.Errorf("this host belongs to %s, not to %s: its mark is on %s; destroy that first, or say which node this is with --node",
		who, id, strings.Join(found, ", "))
}
