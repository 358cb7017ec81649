package kernel

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// patience is how long the kernel may take for what it does later; in the virtual
// machine, all is slow.
const patience = 20 * time.Second

// eventually tries until ok says yes.
func (s *sim) eventually(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			s.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func (s *sim) hasLink(netns, name string) bool {
	s.Helper()
	_, ok := s.get(model.LinkKey(netns, name))
	return ok
}

// A namespace that was deleted is really gone, although the host had it open: what it
// had in it goes, and its name can be used again at once.
func TestNetnsGoes(t *testing.T) {
	s := newSim(t)
	blue := model.Netns{Name: "blue", Alias: some(sampleAlias), LoUp: some(true)}
	for _, atOnce := range []bool{false, true} {
		s.create(blue)
		inode := inodeOf(s.path("blue"))
		s.ip("link", "add", "veth1", "type", "veth", "peer", "name", "veth2")
		s.snapshot() // opens all that can be opened
		if err := s.In("blue", func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		handle := s.spaces["blue"].file
		b, err := s.Host.space("")
		if err != nil {
			t.Fatal(err)
		}
		index, err := b.linkIndex("veth2")
		if err != nil {
			t.Fatal(err)
		}
		move := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, 0, 0)).u32(unix.IFLA_NET_NS_FD, uint32(handle.Fd()))
		if err := b.conn.exec(move); err != nil {
			t.Fatal(err)
		}
		if !s.hasLink("blue", "veth2") {
			t.Fatal("the veth did not move")
		}
		s.remove(blue)
		if _, err := os.Lstat(s.path("blue")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file of netns %d is still there: %v", inode, err)
		}
		veth1Goes := func() {
			t.Helper()
			s.eventually("veth1 goes with the other end", func() bool { return !s.hasLink("", "veth1") })
		}
		if !atOnce {
			veth1Goes()
		}
		s.create(blue)
		s.has("made again", blue, s.mustGet(blue.Key()))
		if s.hasLink("blue", "veth2") {
			t.Error("the new namespace has a link of the old one")
		}
		veth1Goes()
		s.remove(blue)
	}
}

// A host that was open all the time sees that a namespace was deleted and made again
// by others; it keeps none alive.
func TestNetnsReplacedByOthers(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue", Alias: some("first")})
	s.mustGet(model.NetnsKey("blue"))
	if err := errors.Join(unix.Unmount(s.path("blue"), unix.MNT_DETACH), os.Remove(s.path("blue"))); err != nil {
		t.Fatal(err)
	}
	if o, ok := s.get(model.NetnsKey("blue")); ok {
		t.Errorf("a namespace that is gone is listed: %v", o)
	}
	s.bindNetns(s.path("blue"))
	got := s.mustGet(model.NetnsKey("blue")).(model.Netns)
	if got.Alias != some("") {
		t.Errorf("got the alias %q of the namespace that is gone", got.Alias.Value())
	}
	s.create(model.Link{Netns: "blue", Name: "br0", Type: some(model.TypeBridge)})
	ip, err := exec.LookPath("ip") // busybox has one, too
	if err != nil {
		t.Fatal(err)
	}
	if out := s.run("", "nsenter", "--net="+s.path("blue"), ip, "-br", "link"); !strings.Contains(out, "br0") {
		t.Errorf("the bridge is not in the new namespace:\n%s", out)
	}
}

// Files that are no namespaces are not listed. An empty one is what a run left that
// died; any other is somebody's.
func TestNetnsDebris(t *testing.T) {
	s := newSim(t)
	if err := errors.Join(os.Mkdir(s.opts.NetnsDir, 0o755), os.Mkdir(s.path("folder"), 0o755),
		os.WriteFile(s.path("empty"), nil, 0o600), os.WriteFile(s.path("text"), []byte("hello"), 0o600),
		os.Symlink("text", s.path("link"))); err != nil {
		t.Fatal(err)
	}
	if l, err := s.Netns(t.Context()); err != nil || len(l) != 0 {
		t.Errorf("listed are %v, %v", l, err)
	}
	for _, name := range []string{"folder", "text", "link"} {
		err := s.do(model.OpCreate, nil, model.Netns{Name: name})
		if s.opErrorOf(err); !errors.Is(err, unix.EEXIST) {
			t.Errorf("%s: got error %v, want %v", name, err, unix.EEXIST)
		}
	}
	if b, err := os.ReadFile(s.path("text")); err != nil || string(b) != "hello" {
		t.Errorf("somebody's file has %q, %v", b, err)
	}
	s.create(model.Netns{Name: "empty", Alias: some("taken over")})
	if got := s.mustGet(model.NetnsKey("empty")).(model.Netns); got.Alias != some("taken over") {
		t.Errorf("got %v", got)
	}
	s.remove(model.Link{Netns: "text", Name: "br0"}) // gone with its namespace
	if err := s.do(model.OpUpdate, model.Netns{Name: "text"}, model.Netns{Name: "text"}); err == nil || !strings.Contains(err.Error(), "is not a network namespace") {
		t.Errorf("text: got error %v", err)
	}
}

// The directory becomes a mount of its own when the first namespace is made in it,
// and those that were there stay.
func TestNetnsDirBecomesMount(t *testing.T) {
	s := newSim(t)
	if err := os.Mkdir(s.opts.NetnsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.bindNetns(s.path("old"))
	mounted := func(path string) bool {
		return syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_BIND, "") == nil
	}
	if mounted(s.opts.NetnsDir) {
		t.Fatal("the directory is a mount already")
	}
	s.create(model.Netns{Name: "new"})
	if !mounted(s.opts.NetnsDir) {
		t.Error("the directory is no mount")
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[4] == s.opts.NetnsDir && !strings.HasPrefix(f[6], "shared:") {
			t.Errorf("the directory's mounts don't reach other mount namespaces: %s", line)
		}
	}
	s.mustGet(model.NetnsKey("old"))
	s.remove(model.Netns{Name: "new"})
	if l, err := s.Netns(t.Context()); err != nil || len(l) != 1 || l[0].Name != "old" {
		t.Errorf("listed are %v, %v", l, err)
	}
}

// The mark is there before the name is: whoever lists namespaces at any moment finds
// none without.
func TestNetnsIsBornMarked(t *testing.T) {
	s := newSim(t)
	other := s.open(s.opts)
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan error)
	go func() {
		for ctx.Err() == nil {
			l, err := other.Netns(context.Background())
			for _, n := range l {
				if n.Alias != some(sampleAlias) {
					err = errors.Join(err, errors.New("a namespace without the mark"))
				}
			}
			if err != nil {
				seen <- err
				return
			}
		}
		seen <- nil
	}()
	for range 40 {
		n := model.Netns{Name: "blue", Alias: some(sampleAlias)}
		s.create(n)
		s.remove(n)
	}
	cancel()
	if err := <-seen; err != nil {
		t.Error(err)
	}
}

// A host is known by its root namespace, whichever door is used.
func TestHostID(t *testing.T) {
	a, b := newSim(t), newSim(t)
	ida, err := a.ID()
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.open(a.opts).ID()
	if err != nil || again != ida {
		t.Errorf("the same host has the IDs %d and %d, %v", ida, again, err)
	}
	if idb, err := b.ID(); err != nil || idb == ida {
		t.Errorf("two hosts have the IDs %d and %d, %v", ida, idb, err)
	}
	if _, err := Open(Options{Root: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a host that is not there: got error %v", err)
	}
}
