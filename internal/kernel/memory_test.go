package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

const forward = "net.ipv4.ip_forward"

// saved returns what a door that was opened anew remembers, as "netns name=saved".
func (s *sim) saved() map[string]string {
	s.Helper()
	l, err := s.open(s.opts).SavedSysctls(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range l {
		got[strings.TrimSpace(x.Netns+" "+x.Name)] = x.Saved.Value()
	}
	return got
}

func (s *sim) remembers(what string, want map[string]string) {
	s.Helper()
	if d := cmp.Diff(want, s.saved()); d != "" {
		s.Errorf("%s, remembered are (-want +got):\n%s", what, d)
	}
}

// The value before the first change is remembered, whatever comes after it, and given
// back; with nothing to remember there is no file.
func TestSysctlMemory(t *testing.T) {
	s := newSim(t)
	s.remembers("at first", map[string]string{})
	was := s.mustGet(model.SysctlKey("", forward)).(model.Sysctl)
	on := was
	on.Value = some("1")
	if err := s.do(model.OpUpdate, was, on); err != nil {
		t.Fatal(err)
	}
	s.remembers("after a change", map[string]string{forward: "0"})
	s.create(on)
	s.run("", "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv4/ip_forward")
	s.create(on)
	s.remembers("after more of them", map[string]string{forward: "0"})
	s.remove(s.mustGet(on.Key()))
	s.remembers("when given back", map[string]string{})
	if got := s.mustGet(on.Key()); got != was {
		t.Errorf("got %v, want %v", got, was)
	}
	if _, err := os.Stat(s.opts.StateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// What was remembered of a namespace or device that is gone says nothing.
func TestSysctlMemoryOfTheGone(t *testing.T) {
	s := newSim(t)
	s.lines("link add br0 type bridge")
	s.create(model.Netns{Name: "blue"}, model.Sysctl{Netns: "blue", Name: forward, Value: some("1")},
		model.Sysctl{Name: forward, Value: some("1")}, model.Sysctl{Name: "net.ipv4.conf.br0.rp_filter", Value: some("2")})
	s.remembers("at first", map[string]string{"blue " + forward: "0", forward: "0", "net.ipv4.conf.br0.rp_filter": "0"})
	s.remove(model.Netns{Name: "blue"})
	s.lines("link delete br0")
	s.remembers("of what is gone", map[string]string{forward: "0"})
	s.create(model.Netns{Name: "blue"}) // mostly with the inode of the other one
	s.lines("link add br0 type bridge")
	s.remembers("of another namespace, and another device, of the name", map[string]string{forward: "0"})
	s.remove(model.Sysctl{Netns: "blue", Name: forward, Value: some("1"), Saved: some("0")},
		model.Sysctl{Name: "net.ipv4.conf.br0.rp_filter", Value: some("2"), Saved: some("0")})
}

// What was remembered on another host or in another boot says nothing; a damaged file
// is an error that names it.
func TestSysctlMemoryOfOthers(t *testing.T) {
	s := newSim(t)
	s.create(model.Sysctl{Name: forward, Value: some("1")})
	good, err := os.ReadFile(s.memoryFile())
	if err != nil {
		t.Fatal(err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"another boot": strings.Replace(string(good), strings.TrimSpace(string(boot)), "another", 1),
		"another host": strings.Replace(string(good), `"root":`, `"root":9`, 1),
		"nothing":      "null",
	} {
		if text == string(good) {
			t.Fatalf("%s: the file is as it was:\n%s", what, text)
		}
		if err := os.WriteFile(s.memoryFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.remembers(what, map[string]string{})
	}
	for _, text := range []string{"", "{", `{"sysctls": 7}`} {
		if err := os.WriteFile(s.memoryFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.SavedSysctls(t.Context())
		_, readErr := s.Sysctls(t.Context(), "", []string{forward})
		err2 := s.do(model.OpCreate, nil, model.Sysctl{Name: forward, Value: some("0")})
		for _, err := range []error{err, readErr, err2} {
			if err == nil || !strings.Contains(err.Error(), s.memoryFile()) || !strings.Contains(err.Error(), "remove the file") {
				t.Errorf("%q: got error %v", text, err)
			}
		}
	}
	if v := s.run("", "cat", "/proc/sys/net/ipv4/ip_forward"); strings.TrimSpace(v) != "1" {
		t.Errorf("the sysctl was changed to %s without a memory", v)
	}
}

// Where nothing is remembered, sysctls can be set all the same.
func TestSysctlWithoutMemory(t *testing.T) {
	s := newSim(t)
	o := s.opts
	o.StateDir = ""
	s.Host = s.open(o)
	x := model.Sysctl{Name: forward, Value: some("1")}
	s.create(x)
	if got := s.mustGet(x.Key()); got != x {
		t.Errorf("got %v, want %v", got, x)
	}
	s.remove(x)
}

// A name that does not exist is left out; so is one in a namespace that doesn't.
func TestSysctlsThatAreNone(t *testing.T) {
	s := newSim(t)
	l, err := s.Sysctls(t.Context(), "", []string{"net.ipv4.nonesuch", forward, "net.ipv4.conf.nothing.rp_filter"})
	if want := []model.Sysctl{{Name: forward, Value: some("0")}}; err != nil || len(l) != 1 || l[0] != want[0] {
		t.Errorf("got %v, %v, want %v", l, err, want)
	}
	if l, err := s.Sysctls(t.Context(), "nowhere", []string{forward}); err != nil || len(l) != 0 {
		t.Errorf("got %v, %v", l, err)
	}
}

// Many at once forget nothing.
func TestSysctlMemoryAtOnce(t *testing.T) {
	s := newSim(t)
	want := map[string]string{}
	var wg sync.WaitGroup
	for i := range 60 {
		name := fmt.Sprintf("br%d", i)
		s.ip("link", "add", name, "type", "bridge")
		x := model.Sysctl{Name: model.DeviceSysctl(4, name, "rp_filter"), Value: some("2")}
		want[x.Name] = "0"
		wg.Go(func() {
			if err := s.do(model.OpCreate, nil, x); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.remembers("after all", want)
	if left, err := filepath.Glob(s.opts.StateDir + "/*"); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}
