package apply_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var scripts = flag.Int("scripts", 16, "how many random hosts to change by a script and by apply")

// The script of a plan does what apply does: of two hosts that are alike, one is changed
// by each, and then they are alike again, by what iproute2 tells; plan finds nothing to
// do on the one that the script has changed, or at most marks that are missing. The
// commands are executed in the order of the steps. Half of the hosts had a script
// instead of their first apply, too.
func TestScripts(t *testing.T) {
	changed := map[diff.Action]int{}
	seeds, pool := *scripts, real()
	if os.Getenv("VMRUN") != "" {
		seeds = 1
		pool = slices.DeleteFunc(pool, func(b spec.Backend) bool { return b.Type != spec.IPIP }) // the rest is the same on every kernel
	}
	if os.Getenv(reliabilityVar) != "" {
		seeds *= 20
	}
	for i := range seeds {
		s := *seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(s, 3))}
			w := newTwin(t)
			by := newScripted(t)
			old := pick(g, pool...)
			topology := g.topology(old)
			first := expand(t, topology, w.fake.Plain)
			w.bring(first, diff.Options{}, -1)
			by.first(first, g.chance(2) && by.real.Features().AddressProtocolChange) // else they could not be adopted for good
			w.fake.Log = nil
			for range g.IntN(4) {
				g.drift(w.fake)
			}
			if g.chance(2) {
				g.unmark(w.fake)
			}
			for _, e := range w.fake.Log {
				w.replay(e)
				by.replay(e)
			}
			want := expand(t, g.topology(pick(g, old, pick(g, pool...))), w.fake.Plain)
			switch g.IntN(6) {
			case 0:
				want = first
			case 1:
				want = &model.State{}
			}
			for a, n := range by.change(w, want) {
				changed[a] += n
			}
		})
	}
	t.Logf("changes: %d created, %d updated, %d replaced, %d deleted, %d adopted",
		changed[diff.Create], changed[diff.Update], changed[diff.Replace], changed[diff.Delete], changed[diff.Adopt])
	for _, a := range []diff.Action{diff.Create, diff.Update, diff.Replace, diff.Delete, diff.Adopt} {
		if changed[a] == 0 && seeds >= 16 {
			t.Errorf("no object was to be %sd", a)
		}
	}
}

// unmark takes the marks away from something of ours, so that it has to be adopted.
func (g generator) unmark(k *fake.Kernel) {
	for _, o := range ours(k) {
		switch o := o.(type) {
		case model.Route:
			o.Protocol = model.Some[uint8](4)
			if g.chance(2) {
				try(k, model.OpUpdate, o)
			}
		case model.Link:
			if o.Type.Value() == model.TypeBridge && g.chance(2) {
				o.Group, o.Alias = model.Some[uint32](0), model.Some("")
				try(k, model.OpUpdate, o)
			}
		}
	}
}

// scripted is a host that scripts change. Its namespaces are where ip looks for them.
type scripted struct{ *twin }

func newScripted(t *testing.T) *scripted {
	t.Helper()
	if os.Getenv(staged) == "" {
		t.Fatal("this process has no mount namespace of its own")
	}
	if err := unix.Mount("none", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/run", unix.MNT_DETACH) })
	return &scripted{newTwinAt(t, kernel.DefaultNetnsDir)}
}

// first brings a fresh host to what is wanted, by a script or not.
func (s *scripted) first(want *model.State, byScript bool) {
	s.Helper()
	if byScript {
		s.run(diff.Compute(want, s.observe(want), diff.Options{}))
		s.adoption(want)
	}
	p := diff.Compute(want, s.observe(want), diff.Options{Adopt: true})
	if err := apply.Run(context.Background(), s.real, p); err != nil {
		s.Fatal(err)
	}
}

// change changes w by apply and s by a script, and compares what becomes of them. It
// returns the numbers of changes.
func (s *scripted) change(w *twin, want *model.State) map[diff.Action]int {
	s.Helper()
	opts := diff.Options{Adopt: true, LiveRename: s.real.Features().LiveRename}
	mine, p := w.plans(want, opts), s.alike(w, want, opts)
	if len(p.Conflicts)+len(p.Missing) > 0 {
		return nil
	}
	if err := apply.Run(context.Background(), w.real, mine); err != nil {
		s.Fatal(err)
	}
	script := s.run(p)
	s.adoption(want)
	var d string
	for deadline := time.Now().Add(patience()); time.Now().Before(deadline); {
		if d = cmp.Diff(w.told(), s.told()); d == "" {
			break
		}
	}
	if d != "" {
		s.Fatalf("the hosts differ (-apply +script):\n%s\n%s", d, script)
	}
	n := map[diff.Action]int{}
	for _, c := range p.Changes {
		n[c.Action]++
	}
	return n
}

// alike returns the plan when it has the same steps as that of w: the kernel takes its
// time to remove what was in a namespace.
func (s *scripted) alike(w *twin, want *model.State, opts diff.Options) *diff.Plan {
	s.Helper()
	expected := stepLines(w.plans(want, opts))
	for deadline := time.Now().Add(patience()); ; {
		p := diff.Compute(want, s.observe(want), opts)
		if slices.Equal(expected, stepLines(p)) {
			return p
		}
		if time.Now().After(deadline) {
			s.Fatalf("the hosts are not alike (-apply +script):\n%s", cmp.Diff(expected, stepLines(p)))
		}
	}
}

// run runs the script of a plan, and checks that the executed commands are those of the
// plan's steps.
func (s *scripted) run(p *diff.Plan) string {
	s.Helper()
	var script, errs bytes.Buffer
	n := render.NodePlan{Header: render.Header{Topology: identity.Topology, Node: identity.Node}, Plan: p}
	if err := render.PlanScript(&script, n); err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command("sh", "-x")
	cmd.Env = append(os.Environ(), "ALLOW_HARM=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(script.Bytes()), &errs
	if err := s.real.In("", cmd.Start); err != nil {
		s.Fatal(err)
	}
	err := cmd.Wait()
	s.reopen() // as the plan's process, which has ended by now, it must not keep namespaces alive
	if err != nil {
		s.Fatalf("the script: %v\n%s\n%s", err, errs.String(), script.String())
	}
	if d := cmp.Diff(commandsOf(p), executed(errs.String())); d != "" {
		s.Errorf("the executed commands are not those of the steps (-want +got):\n%s", d)
	}
	return script.String()
}

// commandsOf are the commands of a plan's steps, in their order.
func commandsOf(p *diff.Plan) []string {
	var l []string
	for _, s := range p.Steps {
		for _, c := range model.Commands(s) {
			l = append(l, strings.Join(c.Args(), " "))
		}
	}
	return l
}

// executed are the commands that a shell tells of with -x, but for those that ask, hold
// a sysctl, or help another one.
func executed(trace string) []string {
	var l []string
	helping := ""
	for line := range strings.Lines(trace) {
		c, ok := strings.CutPrefix(strings.TrimSpace(line), "+ ")
		verb, _, _ := strings.Cut(c, " ")
		switch {
		case !ok || !slices.Contains([]string{"ip", "bridge", "sysctl"}, verb), strings.Contains(c, "show proto"), strings.Contains(c, "promote_secondaries"):
			continue
		case helping != "":
			if strings.Contains(c, " route delete ") {
				helping = ""
			}
			continue
		case strings.Contains(c, " -6 route add ") && strings.Contains(c, "/128 dev "):
			helping = c
			continue
		}
		l = append(l, strings.TrimSuffix(c, markOf(c)))
	}
	return l
}

// markOf is what a newer iproute2 sets of an address.
func markOf(c string) string {
	if strings.Contains(c, " address ") {
		return " proto 157"
	}
	return ""
}

// adoption fails unless plan has nothing to do but to mark what is right.
func (s *scripted) adoption(want *model.State) {
	s.Helper()
	var p *diff.Plan
	for deadline := time.Now().Add(patience()); time.Now().Before(deadline); {
		p = diff.Compute(want, s.observe(want), diff.Options{Adopt: true})
		if len(p.Conflicts) == 0 && !slices.ContainsFunc(p.Changes, wrong) {
			return
		}
	}
	s.Fatalf("plan after the script:\n%s", text(p))
}

func wrong(c diff.Change) bool {
	return c.Action != diff.Adopt || slices.ContainsFunc(c.Differences(), func(a model.AttrChange) bool { return !a.Mark })
}

// stepLines are a plan's steps, but for those of sysctls, which the scripts' host
// does not remember.
func stepLines(p *diff.Plan) []string {
	var l []string
	for _, s := range p.Steps {
		if s.Key().Kind != model.KindSysctl {
			l = append(l, s.Op.String()+" "+s.Key().String())
		}
	}
	return l
}
