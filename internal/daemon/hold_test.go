package daemon

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// idle is a daemon without a host, which holds what it is told to.
func idle() *Daemon {
	k := (&reconcile.Reconciler{}).Keep(reconcile.ApplyOptions{}, nil)
	c := Config{Log: slog.New(slog.DiscardHandler), ApproveImpact: model.ImpactDisruptive}.orDefaults()
	return &Daemon{
		c: c, holds: holds{}, fights: fights{}, force: &force{keeper: k},
		tokens: bucket{size: c.Limits.Disruptive, refill: c.Limits.Refill},
	}
}

// What fails is tried again after 1, 2, 4 ... seconds, and at least every five minutes;
// nothing else is given up meanwhile.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, k := idle(), model.LinkKey("", "br0")
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			d.fail(k, errors.New("no"))
			h := d.holds[k]
			if got := time.Until(h.next); got != want*time.Second || h.tries != i+1 || h.why != status.HeldFailing {
				t.Fatalf("try %d: again in %v (%+v), want %v", i, got, h, want*time.Second)
			}
			d.retryable(nil, true)
			if !d.force.keeper.Held[k] {
				t.Fatal("it is tried again before its time")
			}
			if next := d.nextTry(); !next.Equal(h.next) {
				t.Fatalf("the next try is at %v, not %v", next, h.next)
			}
			time.Sleep(want * time.Second)
			d.retryable(nil, true)
			if d.force.keeper.Held[k] {
				t.Fatal("it is not tried again")
			}
		}
		d.recovered()
		if len(d.holds) > 0 {
			t.Errorf("still held: %v", d.holds)
		}
		d.fail(k, errors.New("no"))
		if got := time.Until(d.holds[k].next); got != time.Second {
			t.Errorf("after it had recovered, it is tried again in %v", got)
		}
	})
}

// An attribute is contested when it was put right five times in a minute: not more
// slowly, not another one, and not what only went along.
func TestContested(t *testing.T) {
	bridge := model.Link{Name: "br0"}
	route := model.Route{Dst: netip.MustParsePrefix("10.0.0.0/24"), Table: model.TableMain, Dev: model.Some("br0")}
	update := func(attr string) *diff.Plan {
		return &diff.Plan{Changes: []diff.Change{{Action: diff.Update, Before: bridge, After: bridge, Attrs: []model.AttrChange{{Name: attr}}}}}
	}
	both := &diff.Plan{Changes: []diff.Change{
		{Action: diff.Create, After: bridge}, {Action: diff.Create, After: route},
	}}
	for _, tc := range []struct {
		name  string
		plans func(i int) *diff.Plan
		pause time.Duration
		times int
		want  []model.Key
	}{
		{"the same, quickly", func(int) *diff.Plan { return update("mtu") }, 14 * time.Second, 5, []model.Key{bridge.Key()}},
		{"the same, four times", func(int) *diff.Plan { return update("mtu") }, 14 * time.Second, 4, nil},
		{"the same, slowly", func(int) *diff.Plan { return update("mtu") }, 16 * time.Second, 50, nil},
		{"one after the other", func(i int) *diff.Plan { return update([]string{"mtu", "mac"}[i%2]) }, time.Second, 8, nil},
		{"what went along", func(int) *diff.Plan { return both }, time.Second, 5, []model.Key{bridge.Key()}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := idle()
			for i := range tc.times {
				time.Sleep(tc.pause)
				d.fights.over(time.Now().Add(-d.c.Limits.Window))
				d.fought(tc.plans(i), time.Now())
			}
			for _, k := range tc.want {
				if h := d.holds[k]; h == nil || h.why != status.HeldContested || !d.force.keeper.Held[k] || !h.next.IsZero() {
					t.Errorf("%s: %s is held: %+v", tc.name, k, h)
				}
			}
			if len(d.holds) != len(tc.want) {
				t.Errorf("%s: held: %v, want %v", tc.name, d.holds, tc.want)
			}
			time.Sleep(time.Hour)
			d.fights.over(time.Now().Add(-d.c.Limits.Window))
			if len(d.fights) > 0 {
				t.Errorf("%s: an hour later, %d fights are still known", tc.name, len(d.fights))
			}
			d.retryable(nil, true)
			if len(d.force.keeper.Held) != len(tc.want) {
				t.Errorf("%s: what is contested is tried again by itself", tc.name)
			}
			d.release(func(*hold) bool { return true })
			if len(d.force.keeper.Held) != 0 || len(d.holds) != 0 {
				t.Errorf("%s: a reload does not let go", tc.name)
			}
		})
	}
}

// Of disruptive changes, so many may be made in as many minutes; those that harm nobody
// any more, are forced by another one, or put something right in place, don't count.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := idle()
		link := func(name, peer string) model.Link {
			return model.Link{Name: name, Type: model.Some(model.TypeVeth), Peer: model.Some(model.EndRef{Netns: peer, Name: "eth0"})}
		}
		replace := func(l model.Link, cause *model.Key) diff.Change {
			return diff.Change{Action: diff.Replace, Before: l, After: l, Impact: model.ImpactDisruptive, Cause: cause}
		}
		forced := model.LinkKey("", "a")
		p := &diff.Plan{}
		for _, n := range []string{"a", "b", "c", "d", "e"} {
			p.Changes = append(p.Changes, replace(link(n, "web"), nil))
		}
		p.Changes = append(p.Changes, replace(link("f", "web"), &forced), replace(link("g", model.UnknownNetns), nil))
		for i := range 10 {
			n := model.Neighbour{Link: "vxlan1", IP: netip.AddrFrom4([4]byte{10, 0, byte(i), 0})}
			p.Changes = append(p.Changes, diff.Change{Action: diff.Update, Before: n, After: n, Impact: model.ImpactDisruptive})
		}
		held := d.judge(p)
		if len(held) != 2 || held[0] != model.LinkKey("", "d") || held[1] != model.LinkKey("", "e") {
			t.Fatalf("of five, held are %v", held)
		}
		for range 3 {
			d.tokens.spend(time.Now())
		}
		if held := d.judge(p); len(held) != 5 {
			t.Errorf("with none left, held are %v", held)
		}
		if next := time.Until(d.holds[model.LinkKey("", "a")].next); next != 3*time.Minute {
			t.Errorf("there will be one more in %v", next)
		}
		time.Sleep(3 * time.Minute)
		if held := d.judge(p); len(held) != 2 {
			t.Errorf("three minutes later, held are %v", held)
		}
	})
}

// What a guard would stand against is left alone, with the reason.
func TestJudge(t *testing.T) {
	bridge, foreign := model.Link{Name: "br0"}, model.Address{Link: "br0", Prefix: netip.MustParsePrefix("192.0.2.1/24")}
	for _, tc := range []struct {
		name, says string
		plan       *diff.Plan
		why        status.HeldWhy
		allow      func(*Config)
	}{
		{"conflict", "made by bird", &diff.Plan{Conflicts: []diff.Conflict{{Want: bridge, Got: bridge, Maker: "bird"}}}, status.HeldConflict, nil},
		{"adoptable", "--adopt", &diff.Plan{Conflicts: []diff.Conflict{{Want: bridge, Got: bridge, Adoptable: true}}}, status.HeldConflict, nil},
		{"harm", "192.0.2.1/24", &diff.Plan{Harmed: []diff.Harm{{Object: foreign, Cause: bridge.Key()}}}, status.HeldConflict, func(c *Config) { c.Options.AllowHarm = true }},
		{"management", "default route", &diff.Plan{Touched: []diff.Touch{{Action: diff.Delete, Object: bridge, Why: "the default route"}}}, status.HeldConflict, func(c *Config) { c.Options.AllowMgmt = true }},
		{"impact", "disruptive", &diff.Plan{Changes: []diff.Change{{Action: diff.Replace, Before: bridge, After: bridge, Impact: model.ImpactDisruptive}}}, status.HeldImpact, func(c *Config) { c.ApproveImpact = model.ImpactDisruptive }},
	} {
		d := idle()
		d.c.ApproveImpact = model.ImpactBrief
		held := d.judge(tc.plan)
		h := d.holds[bridge.Key()]
		if len(held) != 1 || held[0] != bridge.Key() || h == nil || h.why != tc.why || !strings.Contains(h.detail, tc.says) {
			t.Errorf("%s: held %v: %+v", tc.name, held, h)
		}
		if tc.allow == nil {
			continue
		}
		d = idle()
		tc.allow(&d.c)
		if held := d.judge(tc.plan); len(held) > 0 {
			t.Errorf("%s: held although it is allowed: %v", tc.name, d.holds)
		}
	}
}
