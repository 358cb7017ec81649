package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// stateDir is where the tool keeps what it knows of the topology "classic".
func (h *host) stateDir() string { return filepath.Join(h.runDir(), "classic@"+h.name) }

// journal writes a journal of steps that are said to be done, as the tool itself would
// for this host.
func (h *host) journal(topology string, steps ...model.Step) {
	h.w.t.Helper()
	boot, err := kernel.BootID()
	if err != nil {
		h.w.t.Fatal(err)
	}
	root, err := h.door.ID()
	if err != nil {
		h.w.t.Fatal(err)
	}
	j, err := journal.Create(h.stateDir(), journal.Header{
		Boot: boot, Root: root, Topology: topology, Node: h.name, Started: time.Now(), Steps: steps,
	})
	if err != nil {
		h.w.t.Fatal(err)
	}
	defer j.Close()
	for i := range steps {
		if err := j.Note(i, journal.Done); err != nil {
			h.w.t.Fatal(err)
		}
	}
}

func created(o model.Object) model.Step { return model.Step{Op: model.OpCreate, After: o} }

func updated(before, after model.Object) model.Step {
	return model.Step{Op: model.OpUpdate, Before: before, After: after}
}

// A journal that says what never happened cannot make the tool remove or change what
// doesn't carry its mark, or leave the directories of namespaces and sysctls.
func TestHostileJournal(t *testing.T) {
	hostOnly(t)
	eth0 := model.Link{Name: "eth0", Type: model.Some(model.TypeVeth)}
	eth0MTU := eth0
	eth0.MTU, eth0MTU.MTU = model.Some[uint32](1280), model.Some[uint32](1500)
	address := model.Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.168.32.245/24")}
	foreign := model.Route{Dst: netip.MustParsePrefix("10.9.0.0/16"), Table: model.TableMain, Dev: model.Some("eth0")}
	forward := model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1"), Saved: model.Some("0")}
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	h.ip("route", "add", "10.9.0.0/16", "dev", "eth0")
	file, victim := w.file("topology.yaml", two("vxlan")), w.file("victim", "precious")
	for i, tc := range []struct {
		name  string
		steps []model.Step
		code  int
		want  string // on stderr
	}{
		{"a foreign link, as if made", []model.Step{created(eth0)}, exitOK, ""},
		{"a foreign address, as if made", []model.Step{created(address)}, exitOK, ""},
		{"a foreign route, as if made", []model.Step{created(foreign)}, exitOK, ""},
		{"a foreign link, as if changed", []model.Step{updated(eth0, eth0MTU)}, exitStuck, "link eth0 has mtu 1500, and had 1280"},
		{"a foreign link, as if renamed", []model.Step{updated(model.Link{Name: "old0", Type: model.Some(model.TypeVeth)}, eth0MTU)}, exitStuck, "link old0"},
		{"a sysctl, as if set", []model.Step{created(forward)}, exitOK, ""},
		{"a namespace elsewhere", []model.Step{created(model.Netns{Name: "../../victim"})}, exitStuck, `"../../victim" cannot be the name of a file`},
		{"a link in a namespace elsewhere", []model.Step{created(model.Link{Netns: "../vm1", Name: "eth0"})}, exitOK, ""},
		{"a sysctl elsewhere", []model.Step{created(model.Sysctl{Name: "net.//.kernel.panic", Value: model.Some("0"), Saved: model.Some("1")})}, exitStuck, "is no sysctl of a network namespace"},
	} {
		if sampledOut(i) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			defer os.RemoveAll(h.runDir())
			h.journal("classic", tc.steps...)
			before := h.snapshot()
			r := h.tool("apply", "-f", file, "--recover")
			if r.code != tc.code || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", r.code, tc.code, tc.want, r.out, r.err)
			}
			if after := h.snapshot(); after != before {
				t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
			}
			if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
				t.Errorf("the file elsewhere: %q, %v", b, err)
			}
		})
	}
}

// A journal of another topology is not taken for this one's.
func TestJournalOfAnother(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.journal("other", created(model.Link{Name: "br0", Type: model.Some(model.TypeBridge)}))
	for _, args := range [][]string{{"apply", "-f", file, "--recover"}, {"apply", "-f", file, "--auto-approve"}} {
		if r := h.tool(args...); r.code != exitError || !strings.Contains(r.err, "is of other@vm1: somebody copied it") {
			t.Errorf("%v: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
}

// Whatever somebody has put in the places where the tool keeps its files, an apply
// changes nothing, there or on the host, and says what is in the way.
func TestPlantedFiles(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	for i, tc := range []struct {
		name  string
		plant func(h *host, victim string) error
		want  string
	}{
		{"the run directory is a link", func(h *host, victim string) error {
			return os.Symlink(victim, h.runDir())
		}, "is a symbolic link"},
		{"what it is in is a link", func(h *host, victim string) error {
			dir := filepath.Dir(h.runDir())
			return or(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		}, "is a symbolic link"},
		{"the run directory is everybody's", func(h *host, _ string) error {
			return or(os.Mkdir(h.runDir(), 0o755), os.Chmod(h.runDir(), 0o777))
		}, "others may write into"},
		{"the run directory is somebody's", func(h *host, _ string) error {
			return or(os.Mkdir(h.runDir(), 0o755), os.Chown(h.runDir(), 4711, 4711))
		}, "belongs to the user 4711"},
		{"the topology's directory is a link", func(h *host, victim string) error {
			return or(os.Mkdir(h.runDir(), 0o755), os.Symlink(victim, h.stateDir()))
		}, "is a symbolic link"},
		{"the lock is a hard link", func(h *host, victim string) error {
			id, err := h.door.ID()
			return or(err, os.Mkdir(h.runDir(), 0o755), os.Link(victim+"/precious", lockPath(h, id)))
		}, "has 2 names (hard links)"},
		{"the lock is a FIFO", func(h *host, _ string) error {
			id, err := h.door.ID()
			return or(err, os.Mkdir(h.runDir(), 0o755), unix.Mkfifo(lockPath(h, id), 0o600))
		}, "is a FIFO"},
		{"the journal is a link", func(h *host, victim string) error {
			return or(os.MkdirAll(h.stateDir(), 0o755), os.Symlink(victim+"/precious", h.stateDir()+"/journal"))
		}, "is a symbolic link"},
		{"the journal is somebody's", func(h *host, _ string) error {
			path := h.stateDir() + "/journal"
			return or(os.MkdirAll(h.stateDir(), 0o755), os.WriteFile(path, nil, 0o600), os.Chown(path, 4711, -1))
		}, "belongs to the user 4711"},
		{"the memory of sysctls is a link", func(h *host, victim string) error {
			return or(os.MkdirAll(h.stateDir(), 0o755), os.Symlink(victim+"/precious", h.stateDir()+"/sysctl.json"))
		}, "is a symbolic link"},
		{"the namespaces' directory is a link", func(h *host, victim string) error {
			return or(os.Remove(h.dir), os.Symlink(victim, h.dir))
		}, "is a symbolic link"},
		{"the namespaces' directory is everybody's", func(h *host, _ string) error {
			return os.Chmod(h.dir, 0o777)
		}, "others may write into"},
	} {
		if sampledOut(i) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w.dir = t.TempDir() // each with files of its own
			h.dir = filepath.Join(w.dir, h.name, "netns")
			file := w.file("topology.yaml", two("vxlan"))
			victim := filepath.Join(w.dir, "victim")
			if err := or(os.MkdirAll(h.dir, 0o755), os.Mkdir(victim, 0o755), os.WriteFile(victim+"/precious", []byte("precious"), 0o600), tc.plant(h, victim)); err != nil {
				t.Fatal(err)
			}
			before := settled(h.ip("address", "show")) + settled(h.ip("route", "show"))
			r := h.tool("apply", "-f", file, "--auto-approve")
			if r.code != exitError && r.code != exitRolledBack || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, want %d or %d and %q\n%s%s", r.code, exitError, exitRolledBack, tc.want, r.out, r.err)
			}
			if after := settled(h.ip("address", "show")) + settled(h.ip("route", "show")); after != before {
				t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
			}
			entries, err := os.ReadDir(victim)
			b, errRead := os.ReadFile(victim + "/precious")
			if or(err, errRead) != nil || len(entries) != 1 || string(b) != "precious" {
				t.Errorf("elsewhere: %v, %q, %v", entries, b, or(err, errRead))
			}
		})
	}
}

// A namespace that is there already isn't entered, either, where somebody else could
// have put it.
func TestPlantedNamespace(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	if err := os.Chmod(h.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"plan"}, {"verify"}, {"apply", "--auto-approve"}, {"destroy", "--auto-approve"}} {
		if r := h.tool(append(args, "-f", file)...); r.code != exitError || !strings.Contains(r.err, "others may write into "+h.dir) {
			t.Errorf("%v: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
}

// or returns the first error.
func or(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A name that somebody gave a device, in a container perhaps, cannot command the
// terminal of who reads of it.
func TestHostileName(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	const name = "a\x1b[31m\x07\u0085"
	h.ip("link", "add", name, "type", "veth", "peer", "name", "other")
	h.ip("link", "set", name, "alias", "\x1b]0;x\x07", "master", "br245")
	for _, args := range [][]string{{"observe"}, {"plan"}, {"destroy", "--auto-approve"}} {
		r := h.tool(append(args, "-f", file)...)
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\u0085") {
			t.Errorf("%v: exit code %d\n%q\n%q", args, r.code, r.out, r.err)
		}
		if args[0] == "destroy" && (r.code != exitError || !strings.Contains(r.err, `link a\x1b[31m\a\u0085 with link br245`)) {
			t.Errorf("%v: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
}

// sampledOut says whether to leave a case to the run on the host: the virtual machine is
// slow.
func sampledOut(i int) bool { return slow() && i%3 != 0 }
