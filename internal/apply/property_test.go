package apply_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var (
	seed   = flag.Uint64("seed", 1, "first seed of the random hosts")
	hosts  = flag.Int("hosts", 0, "how many random hosts to try; 0: as many as there is time for")
	points = flag.Int("points", 6, "at how many steps of each plan to fail; 0: at all")
)

// story is a random host and what is wanted of it.
type story struct {
	host *fake.Kernel
	want *model.State
	opts diff.Options

	from, to string // the backends; "": nothing is wanted
}

// tell makes the story of a seed: a host that had a topology applied, was changed
// by others, and now is to have another version of it.
func tell(t *testing.T, seed uint64) story {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	k := newHost()
	k.Plain = g.chance(4)
	k.Most = int(seed % 6)                         // steps at once; 0: any number
	m := generator{rand.New(rand.NewPCG(seed, 2))} // one of its own: the hosts are what they would be without
	old := pick(g, backends...)
	topology := m.metrics(g.topology(old))
	plan := diff.Compute(expand(t, topology, k.Plain), k.Observe(expand(t, topology, k.Plain)), diff.Options{})
	if err := apply.Run(context.Background(), k, plan); err != nil {
		t.Fatalf("the first apply: %v", err)
	}
	for range g.IntN(4) {
		g.drift(k)
	}
	a := generator{rand.New(rand.NewPCG(seed, 4))} // these are no drifts, since no twin could make all of them
	if a.chance(4) {
		a.foreignAbove(k)
	}
	if a.chance(4) {
		a.foreignHops(k)
	}
	s := story{host: k.Clone(), opts: diff.Options{Adopt: g.chance(2), LiveRename: g.chance(2)}, from: nameOf(old)}
	switch g.IntN(8) {
	case 0:
		s.want = &model.State{} // all is to be removed
	case 1, 2, 3:
		s.want, s.to = expand(t, m.metrics(topology), k.Plain), s.from
	default:
		b := pick(g, old, pick(g, backends...))
		s.want, s.to = expand(t, m.metrics(g.topology(b)), k.Plain), nameOf(b)
	}
	desired.Adapt(s.want, s.host.Observe(s.want))
	return s
}

func expand(t *testing.T, topology *spec.Topology, plain bool) *model.State {
	t.Helper()
	x, err := desired.Expand(topology, &topology.Nodes[0], facts(topology, plain))
	if err != nil {
		t.Fatal(err)
	}
	return x.State
}

func (s story) plan() *diff.Plan {
	return diff.Compute(s.want, s.host.Observe(s.want), s.opts)
}

// stories runs f on each random host whose plan may be executed.
func stories(t *testing.T, f func(t *testing.T, s story, p *diff.Plan)) {
	executed := 0
	for i := *seed; i < *seed+uint64(howMany()); i++ {
		s := tell(t, i)
		p := s.plan()
		if len(p.Conflicts) > 0 || len(p.Missing) > 0 {
			continue
		}
		executed++
		if !t.Run(fmt.Sprintf("seed=%d", i), func(t *testing.T) {
			f(t, s, p)
			if t.Failed() {
				t.Log("the plan:\n" + text(p))
			}
		}) {
			t.FailNow()
		}
	}
	if executed < howMany()/2 {
		t.Errorf("only %d of %d hosts had a plan without conflicts: the generator makes too few", executed, howMany())
	}
}

// The executed operations are the plan's, none is refused or finds nothing to do,
// all that goes along was foretold, and then there is nothing left to do.
func TestPlanComesTrue(t *testing.T) {
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		k := s.host.Clone()
		if err := apply.Run(context.Background(), k, p); err != nil {
			t.Errorf("refused: %v", err)
		}
		if len(k.Log) != len(p.Steps) {
			t.Fatalf("%d steps were executed, want %d", len(k.Log), len(p.Steps))
		}
		for i, e := range k.Log {
			if !reflect.DeepEqual(e.Step, p.Steps[i]) {
				t.Errorf("step %d: executed %s %s, want %s %s", i, e.Step.Op, e.Step.Key(), p.Steps[i].Op, p.Steps[i].Key())
			}
			if e.Idle {
				t.Errorf("step %d: %s %s found nothing", i, e.Step.Op, e.Step.Key())
			}
			sameKeys(t, fmt.Sprintf("step %d, %s %s: lost", i, e.Step.Op, e.Step.Key()), keysOf(e.Step.Lost()), e.Lost)
			sameKeys(t, fmt.Sprintf("step %d, %s %s: released", i, e.Step.Op, e.Step.Key()), keysOf(e.Step.Released()), e.Released)
		}
		sameChanges(t, p)
		again := diff.Compute(s.want, k.Observe(s.want), diff.Options{})
		if len(again.Steps) > 0 || !again.Empty() || len(again.Conflicts) > 0 || len(again.Missing) > 0 {
			t.Errorf("the second plan is not empty:\n%s", text(again))
		}
	})
}

// What is not ours is as it was, but for what the plan named as harmed or adopted;
// what is ours is wanted.
func TestForeignObjectsAreUntouched(t *testing.T) {
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		k := s.host.Clone()
		before := s.host.Observe(s.want)
		if err := apply.Run(context.Background(), k, p); err != nil {
			t.Fatal(err)
		}
		named := map[model.Key]bool{}
		for _, h := range p.Harmed {
			named[h.Object.Key()] = true
		}
		for _, c := range p.Changes {
			// What is taken over may go with an address first, and is then made anew.
			if c.Action == diff.Adopt || c.Action == diff.Replace && s.opts.Adopt {
				named[c.Key()] = true
			}
			// Where addresses have no marks, those of a link that is taken over are, too.
			if a, ok := c.Before.(model.Address); ok && c.Action == diff.Delete && s.opts.Adopt && !a.Protocol.IsSet() {
				named[c.Key()] = true
			}
			// What undercuts a route of ours is taken over, and goes.
			if goes(c) && s.opts.Adopt {
				named[c.Before.Key()] = true
			}
		}
		after := k.Objects()
		for key, o := range s.host.Objects() {
			e, ok := before.Get(key)
			foreign := !ok && isForeign(o) || ok && (e.Owner == model.OwnerForeign || e.Owner == model.OwnerOther)
			o = withNewNames(p, o)
			key = o.Key()
			switch {
			case !foreign || followsLink(p, e):
			case after[key] != o && !named[key]:
				t.Errorf("%s was changed and not named:\n%+v\n%+v", key, o, after[key])
			case after[key] == o && named[key]:
				t.Errorf("%s was named and not changed", key)
			}
		}
		for e := range k.Observe(s.want).All() {
			if _, want := s.want.Get(e.Object.Key()); e.Owner.Mine() && !want {
				t.Errorf("%s is left over", e.Object.Key())
			}
		}
	})
}

// goes says whether a change deletes a route, if only when another one with another metric
// is there.
func goes(c diff.Change) bool {
	return c.Before != nil && c.Before.Key().Kind == model.KindRoute && (c.After == nil || c.After.Key() != c.Before.Key())
}

// withNewNames returns an object as the plan's renaming of links leaves it.
func withNewNames(p *diff.Plan, o model.Object) model.Object {
	for _, s := range p.Steps {
		if s.Renames() {
			o = model.Renamed(o, s.Key().Netns, s.Before.Key().Name, s.Key().Name)
		}
	}
	return o
}

// isForeign says whether an object that the tool does not look at is somebody
// else's. What is on a link that has become theirs is left out: only the kernel
// knows of it.
func isForeign(o model.Object) bool {
	switch o := o.(type) {
	case model.Sysctl, model.Neighbour, model.FDBEntry:
		return false
	case model.Address:
		return o.Protocol != model.Some(model.MarkProtocol)
	case model.Route:
		return o.Protocol != model.Some(model.MarkProtocol)
	}
	return true
}

// followsLink says whether an FDB entry belongs to a link that was taken over.
func followsLink(p *diff.Plan, e model.Entry) bool {
	f, ok := e.Object.(model.FDBEntry)
	return ok && slices.ContainsFunc(p.Changes, func(c diff.Change) bool {
		return c.Action == diff.Adopt && c.Key() == model.LinkKey(f.Netns, f.Link)
	})
}

// A failure at any step leaves the host as it was.
func TestRollback(t *testing.T) {
	tried := coverage{}
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		g := rand.New(rand.NewPCG(1, uint64(len(p.Steps))))
		at := g.Perm(len(p.Steps))
		if most := mostPoints(); most > 0 {
			at = at[:min(len(at), most)]
		}
		tried.plan(s)
		for _, i := range at {
			tried.step(p.Steps[i])
			k := s.host.Clone()
			k.FailAt(i, syscall.EIO, g.IntN(2) == 0)
			err := apply.Run(context.Background(), k, p)
			var f *apply.Failure
			if !errors.As(err, &f) || !errors.Is(err, syscall.EIO) || f.Step.Key() != p.Steps[i].Key() {
				t.Errorf("step %d: the error is %v", i, err)
			}
			asBefore(t, fmt.Sprintf("step %d, %s %s", i, f.Step.Op, f.Step.Key()), s.host, k, f.Stuck)
		}
	})
	tried.complete(t)
}

// The plan depends on nothing but the states.
func TestPlanIsDeterministic(t *testing.T) {
	for i := *seed; i < *seed+uint64(howMany()); i++ {
		s := tell(t, i)
		first := s.plan()
		for range 3 {
			if p := (story{host: s.host.Clone(), want: s.want.Clone(), opts: s.opts}).plan(); !reflect.DeepEqual(first, p) {
				t.Fatalf("seed=%d: two plans for one host:\n%s\n%s", i, text(first), text(p))
			}
		}
	}
}

func keysOf(l []model.Object) []model.Key {
	var keys []model.Key
	for _, o := range l {
		keys = append(keys, o.Key())
	}
	return keys
}

func sameKeys(t *testing.T, what string, want, got []model.Key) {
	t.Helper()
	want = slices.DeleteFunc(want, func(key model.Key) bool { return key.Kind == model.KindSysctl && !slices.Contains(got, key) })
	slices.SortFunc(want, model.Key.Compare)
	slices.SortFunc(got, model.Key.Compare)
	if !slices.Equal(want, got) {
		t.Errorf("%s: planned %v, happened %v", what, want, got)
	}
}

// sameChanges checks that the changes that are shown are the steps that are done.
func sameChanges(t *testing.T, p *diff.Plan) {
	t.Helper()
	shown, done := map[model.Key]string{}, map[model.Key]string{}
	for _, c := range p.Changes {
		switch {
		case c.Implied:
		case c.Action == diff.Replace: // deleted, or taken along
			shown[c.Key()] += "deletecreate"
		case c.Action == diff.Create:
			shown[c.Key()] += "create"
		case c.Action == diff.Delete:
			shown[c.Key()] += "delete"
		case goes(c):
			shown[c.Key()] += "create"
			shown[c.Before.Key()] += "delete"
		default:
			shown[c.Key()] += "update"
		}
	}
	for _, s := range p.Steps {
		done[s.Key()] += s.Op.String()
		for _, o := range s.Lost() {
			if _, ok := shown[o.Key()]; ok {
				done[o.Key()] += "delete"
			}
		}
	}
	for key, ops := range done {
		if ops == "updateupdate" {
			ops = "update" // a new name, and what else differs: one change
		}
		if shown[key] != ops {
			t.Errorf("%s: the steps are %q, the changes %q", key, ops, shown[key])
		}
	}
	for key, ops := range shown {
		if done[key] == "" {
			t.Errorf("%s: the changes are %q, but there is no step", key, ops)
		}
	}
}

// difference tells how two hosts differ, "" if they don't.
func difference(want, got *fake.Kernel) string {
	var b strings.Builder
	before, after := want.Objects(), got.Objects()
	for key, o := range before {
		if after[key] != o {
			fmt.Fprintf(&b, "- %+v\n+ %+v\n", o, after[key])
		}
	}
	for key, o := range after {
		if _, ok := before[key]; !ok {
			fmt.Fprintf(&b, "+ %+v\n", o)
		}
	}
	return b.String()
}

// text writes a plan for a failed test.
func text(p *diff.Plan) string {
	var b strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%3d %s %s", i, s.Op, s.Key())
		if s.Op == model.OpUpdate {
			changes, _, _ := model.DiffAttrs(s.After, s.Before)
			for _, c := range changes {
				fmt.Fprintf(&b, " %s: %s -> %s", c.Name, c.Before, c.After)
			}
		}
		for _, o := range s.Lost() {
			fmt.Fprintf(&b, "\n        takes %s", o.Key())
		}
		for _, o := range s.Released() {
			fmt.Fprintf(&b, "\n        releases %s", o.Key())
		}
		b.WriteByte('\n')
	}
	for _, h := range p.Harmed {
		fmt.Fprintf(&b, "harms %s (%s)\n", h.Object.Key(), h.Cause)
	}
	return b.String()
}
