package apply_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// A plan that looks only at what differs, and at what that stands on, is the plan that
// looks at everything: also of hosts where so much differs that it would not be made.
func TestExcerpt(t *testing.T) {
	short := 0
	for i := *seed; i < *seed+uint64(howMany()); i++ {
		s := tell(t, i)
		observed := s.host.Observe(s.want)
		whole := diff.ComputeWhole(s.want, observed, s.opts)
		c := diff.Compare(s.want, observed)
		some, of := diff.SurroundingsOf(s.want, observed).Excerpt(s.want, observed, c.Unlike)
		part := diff.ComputeWhole(some, of, s.opts)
		part.Unchanged += c.Right - model.Compare(some, of).Right
		if some.Len() < s.want.Len() {
			short++
		}
		over := &model.State{} // as the host itself is observed
		over.Over(s.want)
		for e := range observed.Unordered() {
			over.Put(e)
		}
		for name, p := range map[string]*diff.Plan{
			"the excerpt's plan": part, "the plan": diff.Compute(s.want, observed, s.opts), "the plan of what lies over it": diff.Compute(s.want, over, s.opts),
		} {
			if d := cmp.Diff(facets(whole), facets(p)); d != "" {
				t.Fatalf("seed %d: %s differs (-whole +part):\n%s", i, name, d)
			}
		}
	}
	if short < howMany()/4 {
		t.Errorf("only %d of %d excerpts were shorter than the whole", short, howMany())
	}
}

// facets is all that a plan says, but for the impact of a deleted route: that depends on
// routes beside it, which Compute looks up among all that is desired.
func facets(p *diff.Plan) []string {
	var l []string
	for _, s := range p.Steps {
		l = append(l, fmt.Sprintf("step %s %s %v -> %v lost %v released %v restore %v", s.Op, s.Key(), s.Before, s.After, s.Lost(), s.Released(), s.Restore()))
	}
	for _, c := range p.Changes {
		l = append(l, fmt.Sprintf("change %s %s %v cause %s implied %v %s %s", c.Action, c.Key(), c.Differences(), c.Cause, c.Implied, c.Source, c.Intent))
	}
	for _, c := range p.Conflicts {
		l = append(l, fmt.Sprintf("conflict %v %v %v", c.Want, c.Got, c.Adoptable))
	}
	for _, h := range p.Harmed {
		l = append(l, fmt.Sprintf("harm %v by %s", h.Object, h.Cause))
	}
	for _, m := range p.Missing {
		l = append(l, fmt.Sprintf("missing %v", m.Object))
	}
	return append(l, fmt.Sprint("unchanged ", p.Unchanged))
}

// A plan that knows of others' routes only those that concern it is the plan that knows all,
// in each phase.
func TestConcern(t *testing.T) {
	left := 0
	for i := *seed; i < *seed+uint64(howMany()); i++ {
		s := tell(t, i)
		all := s.host.Observe(s.want)
		c, some := observe.ConcernOf(s.want, all), all.Clone()
		for r := range all.Routes() {
			if r.Netns == "" && !c.Route(r) {
				some.Remove(r.Key())
				left++
			}
		}
		for _, phase := range []diff.Phase{diff.Whole, diff.Prepare, diff.Commit} {
			s.opts.Phase = phase
			want, got := diff.Compute(s.want, all, s.opts), diff.Compute(s.want, some, s.opts)
			if d := cmp.Diff(impacts(want), impacts(got)); d != "" {
				t.Fatalf("seed %d, phase %v: the plan differs (-all +those of concern):\n%s", i, phase, d)
			}
		}
	}
	if left < 2*howMany() {
		t.Errorf("of %d hosts, only %d routes were left out", howMany(), left)
	}
}

// impacts is all that a plan says.
func impacts(p *diff.Plan) []string {
	l := facets(p)
	for _, c := range p.Changes {
		l = append(l, fmt.Sprintf("impact of %s %s: %s", c.Action, c.Key(), c.Impact))
	}
	return l
}
