package apply_test

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The plan of what is made anew, with one look-up for each object, is the plan by all of
// them, to the last word: on hosts that had a topology before, with another one now, and on those
// that have nothing but what others have made.
func TestAnew(t *testing.T) {
	made := 0
	for i := *seed; i < *seed+uint64(howMany()); i++ {
		old, bare := tell(t, i), untold(t, i)
		for name, s := range map[string]story{"a host with a history": old, "a host with none": bare} {
			for _, o := range []diff.Options{s.opts, {Phase: diff.Prepare}, {Phase: diff.Commit}} {
				observed := s.host.Observe(s.want)
				want, got := diff.ComputeWhole(s.want, observed, o), diff.Compute(s.want, observed, o)
				if !reflect.DeepEqual(want, got) {
					t.Fatalf("seed %d, %s, %+v: the plan is\n%s\nand by each object\n%s", i, name, o, text(got), text(want))
				}
				for _, c := range got.Changes {
					if c.Action == diff.Create && c.Key().Kind == model.KindRoute {
						made++
					}
				}
			}
		}
	}
	if made < howMany() {
		t.Errorf("on all the hosts, but %d routes were made", made)
	}
}

// untold makes a host that others have changed, and that has nothing of ours.
func untold(t *testing.T, seed uint64) story {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 3))}
	k := newHost()
	k.Plain = g.chance(4)
	for range g.IntN(6) {
		pick(g, g.foreignRoute, g.foreignAddress, g.foreignNeighbour, g.stale)(k)
	}
	s := story{host: k, opts: diff.Options{Adopt: g.chance(2), LiveRename: g.chance(2)}}
	s.want = expand(t, g.metrics(g.topology(pick(g, backends...))), k.Plain)
	for r := range s.want.Routes() { // one in its way, or before it: of theirs, or a former one of ours
		if g.chance(4) && r.Netns == "" && r.Dst.Addr().Is4() {
			in := *r
			in.Protocol, in.Metric = model.Some(pick(g, 4, model.MarkProtocol)), pick(g, r.Metric, 0, 50, model.SpreadMetric(r.Dst))
			in.Dev, in.Via = model.Some("eth0"), model.Some(netip.MustParseAddr("10.0.0.1"))
			k.Put(in)
		}
	}
	desired.Adapt(s.want, s.host.Observe(s.want))
	return s
}
