package apply_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var twins = flag.Int("twins", 12, "how many random hosts to compare with a real kernel")

// staged tells the test binary that it is in namespaces of its own already.
const staged = "NETPLAN_OVERLAY_TEST_STAGED"

// TestMain gives the tests a mount and a network namespace of their own, that nothing
// they make can outlive.
func TestMain(m *testing.M) {
	if err := stage(); err != nil {
		fmt.Fprintln(os.Stderr, "make namespaces for the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// stage runs the program again, in place: exec keeps the namespaces of the thread
// that calls it.
func stage() error {
	if os.Getenv(staged) != "" || len(kernel.MissingCapabilities()) > 0 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Exec(self, os.Args, append(os.Environ(), staged+"=1"))
}

// twin is a fake host and a real one that the same was done to.
type twin struct {
	*testing.T
	fake *fake.Kernel
	real *kernel.Host
	at   kernel.Options // where the real one is
}

func newTwin(t *testing.T) *twin {
	t.Helper()
	return newTwinAt(t, filepath.Join(t.TempDir(), "netns"))
}

// newTwinAt makes a twin whose real host has its namespaces in a directory.
func newTwinAt(t *testing.T, netnsDir string) *twin {
	t.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %s; run the tests as root", strings.Join(missing, " and "))
	}
	dir := t.TempDir()
	o := kernel.Options{Root: filepath.Join(dir, "root"), NetnsDir: netnsDir, StateDir: filepath.Join(dir, "state")}
	if err := os.WriteFile(o.Root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command("unshare", "--net="+o.Root, "true").CombinedOutput(); err != nil {
		t.Fatalf("make a network namespace: %v: %s", err, b)
	}
	t.Cleanup(func() {
		left, _ := filepath.Glob(o.NetnsDir + "/*")
		for _, f := range append(left, o.NetnsDir, o.Root) {
			_ = unix.Unmount(f, unix.MNT_DETACH) // not all are mounts
		}
	})
	w := &twin{T: t, fake: newHost(), at: o}
	w.reopen()
	t.Cleanup(func() { w.real.Close() })
	w.fake.Plain = !w.real.Features().AddressProtocol
	for _, f := range fixtures() {
		w.replay(fake.Effect{Step: model.Step{Op: model.OpCreate, After: f}})
	}
	return w
}

// reopen opens the door to the real host anew: an open one keeps namespaces alive.
func (w *twin) reopen() {
	w.Helper()
	if w.real != nil {
		w.real.Close()
	}
	h, err := kernel.Open(w.at)
	if err != nil {
		w.Fatal(err)
	}
	w.real = h
}

// replay does on the real host what was done on the fake one, or refused: the real
// one has to agree.
func (w *twin) replay(e fake.Effect) {
	w.Helper()
	err := w.real.Do(context.Background(), []model.Step{e.Step})[0]
	var want, got syscall.Errno
	errors.As(e.Err, &want)
	errors.As(err, &got)
	if want != got {
		w.Fatalf("%s %s: the fake kernel says %v, the real one %v", e.Step.Op, e.Step.Key(), e.Err, err)
	}
}

func (w *twin) observe(want *model.State) *model.State {
	w.Helper()
	s, err := observe.State(context.Background(), w.real, observe.Scope{Identity: identity, Wanted: want})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// plans makes the plan for both, which have to be alike; the kernel takes its time to
// remove what was in a namespace.
func (w *twin) plans(want *model.State, opts diff.Options) *diff.Plan {
	w.Helper()
	expected := outline(w.fake.Observe(want), diff.Compute(want, w.fake.Observe(want), opts))
	for deadline := time.Now().Add(patience()); ; {
		there := w.observe(want)
		p := diff.Compute(want, there, opts)
		got := outline(there, p)
		if slices.Equal(expected, got) {
			return p
		}
		if time.Now().After(deadline) {
			w.Fatalf("the plans differ (-fake +real):\n%s", cmp.Diff(expected, got))
		}
	}
}

// outline tells what is there and what a plan does, but for sysctls: what these are
// by default is the machine's affair.
func outline(there *model.State, p *diff.Plan) []string {
	var l []string
	for e := range there.All() {
		k := e.Object.Key()
		if e.Owner != model.OwnerKernel && k.Kind != model.KindSysctl {
			l = append(l, e.Owner.String()+" "+k.String())
		}
	}
	for _, c := range p.Conflicts {
		l = append(l, "conflict "+c.Got.Key().String())
	}
	for _, h := range p.Harmed {
		l = append(l, "harms "+h.Object.Key().String())
	}
	for _, s := range p.Steps {
		if s.Key().Kind == model.KindSysctl {
			continue
		}
		l = append(l, s.Op.String()+" "+s.Key().String())
		for _, o := range slices.Concat(s.Lost(), s.Released(), s.Restore()) {
			if o.Key().Kind != model.KindSysctl {
				l = append(l, "  "+o.Key().String())
			}
		}
	}
	return l
}

// brittle is a kernel whose nth step fails.
type brittle struct {
	*kernel.Host
	left int
}

func (b *brittle) Do(ctx context.Context, steps []model.Step) []error {
	errs := make([]error, len(steps))
	for i := range steps {
		if b.left == 0 {
			errs[i] = syscall.EIO
		} else {
			errs[i] = b.Host.Do(ctx, steps[i:i+1])[0]
		}
		b.left--
		if errs[i] == nil {
			continue
		}
		for j := i + 1; j < len(errs); j++ {
			errs[j] = kernel.ErrNotTried
		}
		break
	}
	return errs
}

// What the fake kernel says of a host is what a real one does: it allows and refuses
// the same, the plans are the same, and so the properties hold for both. A failure at
// a step leaves the real host as it was, too.
func TestTwins(t *testing.T) {
	n := *twins
	if os.Getenv(reliabilityVar) != "" {
		n *= 5
	}
	defer func() {
		proved(t, "a step fails (EIO) of random changes of random hosts", "real kernel", n, "all is as before, and the fake kernel does the same")
	}()
	for i := range n {
		s := *seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			w := newTwin(t)
			g := generator{rand.New(rand.NewPCG(s, 2))}
			m := generator{rand.New(rand.NewPCG(s, 3))} // one of its own: the hosts are what they would be without
			old := pick(g, real()...)
			topology := m.metrics(g.topology(old))
			w.bring(expand(t, topology, w.fake.Plain), diff.Options{}, -1)
			for range 1 + g.IntN(4) {
				w.fake.Log = nil
				g.drift(w.fake)
				for _, e := range w.fake.Log {
					w.replay(e)
				}
			}
			want := expand(t, m.metrics(g.topology(pick(g, old, pick(g, real()...)))), w.fake.Plain)
			if g.chance(3) {
				want = expand(t, m.metrics(topology), w.fake.Plain)
			}
			desired.Adapt(want, w.fake.Observe(want))
			w.bring(want, diff.Options{Adopt: true}, g.IntN(1000))
			w.bring(&model.State{}, diff.Options{}, g.IntN(1000))
		})
	}
}

// bring brings both hosts to what is wanted, unless there is a conflict. If at is not
// negative, the real one fails before that, at that step or so.
func (w *twin) bring(want *model.State, opts diff.Options, at int) {
	w.Helper()
	opts.LiveRename = w.real.Features().LiveRename
	p := w.plans(want, opts)
	if len(p.Conflicts) > 0 || len(p.Steps) == 0 {
		return
	}
	if at >= 0 {
		w.rollback(want, p, at%len(p.Steps))
	}
	for _, err := range []error{
		apply.Run(context.Background(), w.fake, diff.Compute(want, w.fake.Observe(want), opts)),
		apply.Run(context.Background(), w.real, p),
	} {
		if err != nil {
			w.Fatalf("%v\n%s", err, text(p))
		}
	}
	if again := w.plans(want, diff.Options{}); !again.Empty() {
		w.Fatalf("the second plan is not empty:\n%s\nafter\n%s", text(again), text(p))
	}
}

func (w *twin) rollback(want *model.State, p *diff.Plan, at int) {
	w.Helper()
	before := w.observe(want)
	err := apply.Run(context.Background(), &brittle{w.real, at}, p)
	var f *apply.Failure
	if !errors.As(err, &f) || len(f.Stuck) > 0 {
		w.Fatalf("failing at step %d: %v\n%s", at, err, text(p))
	}
	var d string
	for deadline := time.Now().Add(patience()); time.Now().Before(deadline); {
		if d = changed(before, w.observe(want)); d == "" {
			return
		}
	}
	w.Fatalf("after failing at step %d the host is not as it was:\n%s\n%s", at, d, text(p))
}

// changed tells how two observations differ, but for what the kernel makes itself.
func changed(want, got *model.State) string {
	var b strings.Builder
	for e := range want.All() {
		if x, _ := got.Get(e.Object.Key()); e.Owner != model.OwnerKernel && x != e {
			fmt.Fprintf(&b, "- %+v\n+ %+v\n", e, x)
		}
	}
	for e := range got.All() {
		if _, ok := want.Get(e.Object.Key()); !ok && e.Owner != model.OwnerKernel {
			fmt.Fprintf(&b, "+ %+v\n", e)
		}
	}
	return b.String()
}

// real are the backends that every kernel has.
func real() []spec.Backend {
	return slices.DeleteFunc(slices.Clone(backends), func(b spec.Backend) bool { return b.Type == spec.IPIP && !hasIPIP() })
}

// hasIPIP says whether this kernel makes ipip devices; the virtual machine of hack
// has to.
func hasIPIP() bool {
	if os.Getenv("VMRUN") != "" {
		return true
	}
	return exec.Command("unshare", "--net", "ip", "link", "add", "t", "type", "ipip", "local", "192.0.2.1", "remote", "192.0.2.2").Run() == nil
}

// patience is how long the kernel may take to remove what was in a namespace: one worker
// does that for all of the machine, other tests' too, and an emulated machine is slow.
func patience() time.Duration { return 30 * time.Second }
