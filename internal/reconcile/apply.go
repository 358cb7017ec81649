package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ApplyOptions say what an apply may do.
type ApplyOptions struct {
	Adopt       bool
	Phase       diff.Phase // of a change that is made on a whole fleet
	AllowHarm   bool
	AllowMgmt   bool // touch what carries the management connection
	AllowEmpty  bool // remove all from a node that the file leaves nothing
	MaxDestroy  Limit
	MaxImpact   model.Opt[model.Impact] // open: any
	LockTimeout time.Duration
	// Approve is shown each plan that has changes before it is executed, and says
	// whether to go on; nil approves.
	Approve func(*Result) (bool, error)
	// Asks says that Approve waits for somebody, who takes his time: the plan is made anew
	// after that, and if it is another one then, Approve is asked again.
	Asks bool
	// Saved is the plan that is to be executed, and no other one; nil is any.
	Saved *SavedPlan
	// Verify takes the run back if a pair of namespaces that reached each other before
	// it doesn't any more.
	Verify  bool
	Confirm Confirm
}

// revocable says whether a run is taken back that turns out not to be what was wanted
// after its last step.
func (o ApplyOptions) revocable() bool { return o.Verify || o.Confirm.Within > 0 }

// planner makes a plan of what is to be done.
type planner func(context.Context) (*Result, error)

// looks are the two looks of a run at the host.
type looks struct {
	first  planner
	second func(*Result) planner // after what the first one has led to was carried out
	drafts bool                  // what they find wanted is noted as applied, if the run ends well
}

// twice returns looks that are both the same.
func twice(plan planner) looks {
	return looks{first: plan, second: func(*Result) planner { return plan }}
}

// ErrNotApproved says that the user did not want the plan.
var ErrNotApproved = errors.New("not approved: nothing was changed")

// Apply brings the host to what the topology asks, and returns the last plan. An
// *apply.Failure says that a step failed, a *NotConverged that the host differs
// after all; any other error that nothing was changed.
func (r *Reconciler) Apply(ctx context.Context, o ApplyOptions) (*Result, error) {
	if o.Saved != nil {
		if err := o.Saved.belongsTo(r); err != nil {
			return nil, err
		}
		o.Adopt, o.Phase = o.Saved.Adopt, o.Saved.Phase
	}
	plan := func(ctx context.Context) (*Result, error) {
		return r.Plan(ctx, diff.Options{Adopt: o.Adopt, Phase: o.Phase})
	}
	second := func(res *Result) planner { return r.second(res, plan, o) }
	return r.execute(ctx, looks{first: plan, second: second, drafts: o.Phase == diff.Whole && o.Confirm.Within <= 0}, o)
}

// Destroy removes all that carries the node's mark, and gives sysctls back.
func (r *Reconciler) Destroy(ctx context.Context, o ApplyOptions) (*Result, error) {
	return r.execute(ctx, twice(r.PlanDestroy), o)
}

func (r *Reconciler) execute(ctx context.Context, l looks, o ApplyOptions) (*Result, error) {
	lock, err := r.lock(ctx, o.LockTimeout)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	runs, err := r.unfinished()
	if err != nil {
		return nil, err
	}
	if err := free(runs); err != nil {
		return nil, err
	}
	if len(runs) > 0 {
		r.glance = nil // of what they have left, some is removed
	}
	if err := r.removeDebris(runs); err != nil {
		return nil, err
	}
	r.draft = draft{wanted: l.drafts, early: !o.Asks}
	res, err := r.rounds(ctx, l, o)
	r.remember(res, err, o)
	return res, err
}

// lock takes the right to change the host, which may have been taken ahead.
func (r *Reconciler) lock(ctx context.Context, timeout time.Duration) (*apply.Lock, error) {
	if l := r.ahead; l != nil {
		r.ahead = nil
		return l, nil
	}
	r.glance = nil // it is older
	if err := capable(); err != nil {
		return nil, err
	}
	id, err := r.Host.ID()
	if err != nil {
		return nil, err
	}
	return apply.Acquire(ctx, r.place.runDir(), id, timeout)
}

// free refuses to change a host on which a change waits to be confirmed: its guard may
// take it back at any time.
func free(runs []*Run) error {
	i := slices.IndexFunc(runs, func(r *Run) bool { return r.Attended })
	if i < 0 {
		return nil
	}
	run := runs[i]
	return &Unconfirmed{fmt.Errorf("the run of %s waits to be confirmed until %s; nothing was changed: keep it with netplan-overlay confirm, or take it back with apply --recover",
		run.Started.Format(time.RFC3339), run.Until.Format(time.RFC3339))}
}

// Unconfirmed says that a change waits to be confirmed on the host.
type Unconfirmed struct{ Why error }

// Error says since when, and what to do.
func (e *Unconfirmed) Error() string { return e.Why.Error() }

// capable refuses a process that may not change a host.
func capable() error {
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		return fmt.Errorf("changing a host needs %s, which this process lacks; run it as root (sudo)", strings.Join(missing, " and "))
	}
	return nil
}

// once plans, asks, executes and looks again.
func (r *Reconciler) once(ctx context.Context, l looks, o ApplyOptions) (*Result, error) {
	var approved []model.Step
	for {
		res, err := l.first(ctx)
		if err != nil {
			return nil, err
		}
		if o.Saved != nil {
			if err := o.Saved.same(res.Plan.Steps); err != nil {
				return nil, err
			}
		}
		if err := cmp.Or(r.EmptyRefusal(res, o), Refusal(res.Plan, o)); err != nil {
			return res, &Refused{err}
		}
		if res.Plan.Empty() {
			return res, journal.Remove(r.stateDir()) // of a run that died on the way to here
		}
		same := approved != nil && sameSteps(approved, res.Plan.Steps) == nil
		res.Shown = same || o.Approve != nil
		if o.Approve == nil || same {
			return res, r.carryOut(ctx, res, l.second, o)
		}
		switch ok, err := o.Approve(res); {
		case err != nil:
			return res, err
		case !ok:
			return res, ErrNotApproved
		case !o.Asks:
			return res, r.carryOut(ctx, res, l.second, o)
		}
		approved = res.Plan.Steps
	}
}

// NotConverged says that the host differs from the topology although every step
// was done.
type NotConverged struct {
	Plan *diff.Plan // what still differs; nil where that could not be found out
	Err  error
}

// Error names the first few objects that differ.
func (n *NotConverged) Error() string {
	if n.Err != nil {
		return fmt.Sprintf("every step was done, but the host could not be looked at again: %v", n.Err)
	}
	var l []string
	for _, c := range n.Plan.Changes {
		l = append(l, describe(c))
	}
	for _, c := range n.Plan.Conflicts {
		l = append(l, c.Want.Key().String()+" is in conflict")
	}
	const most = 10
	if len(l) > most {
		l = append(l[:most], fmt.Sprintf("and %d more", len(l)-most))
	}
	return "every step was done, but the host still differs: " + strings.Join(l, "; ") + ": another program seems to change it, too"
}

// Unwrap returns the error of the second look.
func (n *NotConverged) Unwrap() error { return n.Err }

func describe(c diff.Change) string {
	s := c.Key().String() + ": " + c.Action.String()
	for _, a := range c.Differences() {
		if c.Action == diff.Update || c.Action == diff.Replace {
			s += fmt.Sprintf(" %s %s -> %s", a.Name, quoted(a.Before), quoted(a.After))
		}
	}
	return s
}

func quoted(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

// Refused says that a guard stands against a plan, and that nothing was changed.
type Refused struct{ Why error }

// Error tells why.
func (e *Refused) Error() string { return e.Why.Error() }

// Unwrap returns why.
func (e *Refused) Unwrap() error { return e.Why }

// Refusal returns why the plan must not be executed as it is, or nil.
func Refusal(p *diff.Plan, o ApplyOptions) error {
	switch {
	case len(p.Missing) > 0:
		return fmt.Errorf("%s does not exist, and is not ours to make; nothing was changed; make it, or name another one in the file", p.Missing[0].Object.Key())
	case len(p.Conflicts) > 0:
		return fmt.Errorf("%s in conflict with what is on the host; nothing was changed; the plan tells the ways out of each", countOf(len(p.Conflicts), "object is", "objects are"))
	case len(p.Touched) > 0 && !o.AllowMgmt:
		return mgmtRefusal(p.Touched)
	case len(p.Harmed) > 0 && !o.AllowHarm:
		return fmt.Errorf("%s would go down with ours (%s with %s); nothing was changed; move what is needed elsewhere first, or allow it with --allow-harm",
			countOf(len(p.Harmed), "foreign object", "foreign objects"), p.Harmed[0].Object.Key(), p.Harmed[0].Cause)
	}
	if most, ok := o.MaxImpact.Get(); ok && p.Summary().Impact > most {
		return &ImpactError{Is: p.Summary().Impact, Allowed: most}
	}
	return o.MaxDestroy.check(p)
}

// ImpactError says that a plan does more harm to traffic than is allowed.
type ImpactError struct{ Is, Allowed model.Impact }

// Error says what to do.
func (e *ImpactError) Error() string {
	return fmt.Sprintf("the plan's impact is %s, more than --max-impact %s allows; nothing was changed; do it when traffic may suffer that, with --max-impact %s",
		e.Is, e.Allowed, e.Is)
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
