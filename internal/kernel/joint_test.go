package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// all does one operation on many objects at once.
func (s *sim) all(h *Host, op model.Op, objects ...model.Object) []error {
	s.Helper()
	var steps []model.Step
	for _, o := range objects {
		step := model.Step{Op: op, Before: o}
		if op == model.OpCreate {
			step = model.Step{Op: op, After: o}
		}
		steps = append(steps, step)
	}
	return h.Do(context.Background(), steps)
}

// outcome says what became of each step: "." done, "x" failed, "-" not tried.
func outcome(errs []error) string {
	s := ""
	for _, err := range errs {
		switch {
		case err == nil:
			s += "."
		case errors.Is(err, ErrNotTried):
			s += "-"
		default:
			s += "x"
		}
	}
	return s
}

// Links that are deleted together cost a message each and one more. Whichever of these is
// refused, those before it are gone or none is, and the others are as they were.
func TestLinksGoTogether(t *testing.T) {
	s := newSim(t)
	links := []model.Object{sampleLink("", "b0", model.TypeBridge), sampleLink("", "b1", model.TypeBridge), sampleLink("", "b2", model.TypeBridge)}
	s.lines("link add foreign type bridge")
	for refused, want := range []string{"x--", ".x-", "..x", "x--", "..."} {
		s.all(s.Host, model.OpCreate, links...) // of which some are there still
		before := s.snapshot()
		o, n := s.opts, 0
		o.OnWrite = func() error {
			if n++; n == refused+1 {
				return unix.EIO
			}
			return nil
		}
		errs := s.all(s.open(o), model.OpDelete, links...)
		if got := outcome(errs); got != want {
			t.Errorf("without request %d: got %s, want %s: %v", refused, got, want, errs)
		}
		for i, l := range links {
			if errs[i] == nil {
				delete(before, l.Key().String())
			}
		}
		s.unchanged(fmt.Sprintf("a deletion without request %d", refused), before)
		for _, l := range links {
			s.remove(l)
		}
	}
}

// A link that a run was about to delete when it died is as before when it is made again,
// which is how a run is taken back.
func TestLinksThatWereDoomed(t *testing.T) {
	s := newSim(t)
	links := []model.Object{sampleLink("", "b0", model.TypeBridge), sampleLink("", "b1", model.TypeBridge)}
	s.create(links...)
	before := s.snapshot()
	for _, name := range []string{"b0", "b1"} {
		s.ip("link", "set", name, "group", fmt.Sprint(doomedGroup()&0x7fffffff))
	}
	s.lines("link add foreign type bridge\nlink set foreign group 1073741825")
	for _, l := range append(links, sampleLink("", "foreign", model.TypeBridge)) {
		if err := s.do(model.OpCreate, nil, l); !errors.Is(err, unix.EEXIST) {
			t.Errorf("got error %v, want %v", err, unix.EEXIST)
		}
	}
	if out := s.ip("link", "show", "foreign"); !strings.Contains(out, "group 1073741825") {
		t.Errorf("somebody's link was changed:\n%s", out)
	}
	s.lines("link delete foreign")
	s.unchanged("to be doomed, and made again", before)
}

// A bridge that goes with its ports goes down before, in the same send. Whichever request is
// refused, it is up as it was, unless it is gone.
func TestBridgeGoesWithItsPorts(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"})
	port := sampleLink("", "veth0", model.TypeVeth)
	port.Master, port.Peer = some("br0"), some(model.EndRef{Netns: "blue", Name: "eth0"})
	bridge := sampleLink("", "br0", model.TypeBridge)
	address := model.Address{Link: "br0", Prefix: prefix("fd00::1/64"), Protocol: some(model.MarkProtocol)}
	s.create(bridge, port, address)
	before := s.snapshot()
	for refused, want := range []string{"x-", ".x", "x-", "x-", ".."} {
		o, n := s.opts, 0
		o.OnWrite = func() error {
			if n++; n == refused+1 {
				return unix.EIO
			}
			return nil
		}
		h := s.open(o)
		errs := s.all(h, model.OpDelete, port, bridge)
		if got := outcome(errs); got != want {
			t.Errorf("without request %d: got %s, want %s: %v", refused, got, want, errs)
		}
		switch {
		case refused == 1:
			s.create(port) // with other MACs
			before = s.snapshot()
		case refused < 4:
			s.unchanged(fmt.Sprintf("a deletion without request %d", refused), before)
		case n != 4:
			t.Errorf("it took %d requests, want 4", n)
		}
	}
	if s.hasLink("", "br0") || s.hasLink("", "veth0") || s.hasLink("blue", "eth0") {
		t.Error("something is still there")
	}
}

// So is a bridge up again that went down when it was about to be deleted.
func TestBridgeThatWasDoomed(t *testing.T) {
	s := newSim(t)
	bridge := sampleLink("", "br0", model.TypeBridge)
	s.create(bridge)
	before := s.snapshot()
	s.lines("link set br0 down group " + fmt.Sprint(doomedGroup()&0x7fffffff))
	if err := s.do(model.OpCreate, nil, bridge); !errors.Is(err, unix.EEXIST) {
		t.Errorf("got error %v, want %v", err, unix.EEXIST)
	}
	s.unchanged("to be doomed and down, and made again", before)
}

// Links that are gone already, with their namespace or without, are no error among others.
func TestLinksThatAreGone(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"})
	there := []model.Object{sampleLink("", "b0", model.TypeBridge), sampleLink("blue", "b0", model.TypeBridge), sampleLink("blue", "b1", model.TypeBridge)}
	s.create(there...)
	gone := []model.Object{sampleLink("", "none", model.TypeBridge), sampleLink("nowhere", "b0", model.TypeBridge), sampleLink("nowhere", "b1", model.TypeBridge)}
	if got := outcome(s.all(s.Host, model.OpDelete, append(gone, there...)...)); got != "......" {
		t.Errorf("got %s", got)
	}
	for _, l := range there {
		if _, ok := s.get(l.Key()); ok {
			t.Errorf("%s is still there", l.Key())
		}
	}
}

// Namespaces are made up to the first that cannot be.
func TestNetnsTogether(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "first"})
	s.run("", "sh", "-c", "echo text > "+s.path("text"))
	var l []model.Object
	for _, name := range []string{"a", "b", "text", "c"} {
		l = append(l, model.Netns{Name: name, Alias: some(sampleAlias), LoUp: some(true)})
	}
	errs := s.all(s.Host, model.OpCreate, l...)
	if got := outcome(errs); got != "..x-" || !errors.Is(errs[2], unix.EEXIST) {
		t.Fatalf("got %s, %v", got, errs)
	}
	for i, o := range l {
		got, ok := s.get(o.Key())
		if ok != (i < 2) {
			t.Errorf("%s is there: %v", o.Key(), ok)
		}
		if ok {
			s.has("made together", o, got)
		}
	}
	s.create(model.Link{Netns: "a", Name: "br0", Type: some(model.TypeBridge)})
	if s.hasLink("b", "br0") || s.hasLink("", "br0") {
		t.Error("a link of one namespace is in another")
	}
	if got := outcome(s.all(s.Host, model.OpDelete, l[0], l[1], l[3])); got != "..." {
		t.Errorf("deleting: got %s", got)
	}
	if all, err := s.Netns(t.Context()); err != nil || len(all) != 1 || all[0].Name != "first" {
		t.Errorf("left are %v, %v", all, err)
	}
}

// Sysctls of several namespaces are set up to the first that cannot be, and just those are
// remembered; given back, none is.
func TestSysctlsTogether(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"}, model.Netns{Name: "green"})
	set := func(netns, name string) model.Object {
		return model.Sysctl{Netns: netns, Name: name, Value: some("1")}
	}
	l := []model.Object{set("blue", forward), set("", forward), set("green", forward), set("green", "net.ipv4.nonesuch"), set("", "net.ipv4.conf.lo.forwarding")}
	errs := s.all(s.Host, model.OpCreate, l...)
	if got := outcome(errs); got != "...x-" || !errors.Is(errs[3], unix.ENOENT) {
		t.Fatalf("got %s, %v", got, errs)
	}
	s.remembers("set together", map[string]string{"blue " + forward: "0", forward: "0", "green " + forward: "0"})
	o := s.opts
	n := 0
	o.OnWrite = func() error {
		if n++; n == 2 {
			return unix.EIO
		}
		return nil
	}
	var back []model.Object
	for _, x := range l[:3] {
		back = append(back, s.mustGet(x.Key()))
	}
	if got := outcome(s.all(s.open(o), model.OpDelete, back...)); got != ".x-" {
		t.Errorf("giving back without the second request: got %s", got)
	}
	s.remembers("given back in part", map[string]string{forward: "0", "green " + forward: "0"})
	if got := outcome(s.all(s.Host, model.OpDelete, back...)); got != "..." {
		t.Errorf("giving back: got %s", got)
	}
	s.remembers("given back", map[string]string{})
	if _, err := os.Stat(s.opts.StateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// What a run that died has given back, and not forgotten, is forgotten with what the next
// one gives back.
func TestSysctlGivenBackHalf(t *testing.T) {
	s := newSim(t)
	lo := "net.ipv4.conf.lo.rp_filter"
	s.create(model.Sysctl{Name: forward, Value: some("1")}, model.Sysctl{Name: lo, Value: some("2")})
	s.run("", "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
	s.remove(s.mustGet(model.SysctlKey("", lo)))
	if _, err := os.Stat(s.opts.StateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}
