package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long TestSoak goes on, and from which seed.
const (
	soakVar     = "NETPLAN_OVERLAY_TEST_SOAK"
	soakSeedVar = "NETPLAN_OVERLAY_TEST_SOAK_SEED"
)

// soak is a host on which everything happens that can happen beside watch.
type soak struct {
	*host
	w       *world
	random  *rand.Rand
	file    string // the topology, behind a symlink
	far     string // the other host's MAC
	watcher *watcher
	quiet   bool // the process is not ended any more
	acts    []string
}

// TestSoak mixes file changes, drift, restarts, kills, noise and hands of its own, in an
// order that the seed decides, and looks at the end whether the host is right and
// anything is left behind. It takes a minute; "make soak" does it for half an hour.
func TestSoak(t *testing.T) {
	hostOnly(t)
	length, seed := time.Minute, uint64(5)
	if d, err := time.ParseDuration(os.Getenv(soakVar)); err == nil {
		length = d
	}
	if n, err := strconv.ParseUint(os.Getenv(soakSeedVar), 10, 64); err == nil {
		seed = n
	}
	t.Logf("%s=%v %s=%d", soakVar, length, soakSeedVar, seed)
	s := newSoak(t, seed)
	before := s.left()
	s.start()
	s.watcher.right(s.file)
	begun := time.Now()
	for n := 0; time.Since(begun) < length; n++ {
		s.quiet = time.Since(begun) > length*2/3
		s.act()
		time.Sleep(time.Duration(s.random.IntN(80)) * time.Millisecond)
	}
	t.Logf("%d acts", len(s.acts))
	s.end(before)
}

func newSoak(t *testing.T, seed uint64) *soak {
	w := twoHosts(t)
	s := &soak{host: w.hosts[0], w: w, random: rand.New(rand.NewPCG(seed, seed))}
	for _, d := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(w.dir, "config", d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.flip("a")
	s.file = filepath.Join(w.dir, "config", "now", "topology.yaml")
	s.write(s.variant(0))
	w.hosts[1].apply(s.file)
	s.far = fmt.Sprint(w.hosts[1].jsonOf("", "ip", "link", "show", "vxlan1")[0]["address"])
	s.start() // once, for what a life leaves on disk
	s.watcher.right(s.file)
	s.watcher.stop(syscall.SIGTERM)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last acts:\n%s", strings.Join(s.acts[max(0, len(s.acts)-40):], "\n"))
		}
	})
	return s
}

func (s *soak) start() { s.watcher = s.watch(s.file, "--max-disruptive", "10000") }

// act does one thing.
func (s *soak) act() {
	acts := []struct {
		name   string
		weight int
		do     func()
	}{
		{"valid file, renamed into place", 4, func() { s.write(s.variant(s.random.IntN(4))) }},
		{"valid file, written in place", 3, func() { s.inPlace(s.variant(s.random.IntN(4))) }},
		{"half a file, then the rest", 3, s.half},
		{"invalid file", 2, func() { s.write("nodes: [") }},
		{"no file", 2, func() { _ = os.Remove(s.file) }},
		{"symlink to a valid file", 3, s.flipOver},
		{"drift", 30, s.someDrift},
		{"SIGHUP", 2, s.reload},
		{"SIGTERM", 2, func() { s.restart(syscall.SIGTERM) }},
		{"SIGKILL", 3, func() { s.restart(syscall.SIGKILL) }},
		{"apply by hand", 2, func() { s.tool("apply", "-f", s.file, "--auto-approve") }}, // the file may be invalid
		{"foreign routes", 3, s.noise},
		{"foreign link", 3, s.foreignLink},
	}
	all := 0
	for _, a := range acts {
		all += a.weight
	}
	n := s.random.IntN(all)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			s.acts = append(s.acts, time.Now().Format("15:04:05.000 ")+a.name)
			a.do()
			return
		}
	}
}

// variant is a valid topology: the same, with other MTUs, one namespace or one peer more.
func (s *soak) variant(n int) string {
	text := two("vxlan")
	switch n {
	case 1:
		text = strings.Replace(text, "nodes:", "mtu: 1480\nnodes:", 1)
	case 2:
		text = strings.Replace(text, "{ns245: 172.245.0.2/24}", "{ns245: 172.245.0.2/24, more: 172.245.0.3/24}", 1)
	case 3:
		text += "  vm3: {address: 192.168.32.247, bridges: {br247: 172.247.0.1/24}}\n"
	}
	return text
}

// must ends the test on an error of the test's own doing.
func (s *soak) must(err error) {
	s.w.t.Helper()
	if err != nil {
		s.w.t.Fatal(err)
	}
}

func (s *soak) write(text string) {
	next := s.file + ".next"
	s.must(os.WriteFile(next, []byte(text), 0o600))
	s.must(os.Rename(next, s.file))
}

func (s *soak) inPlace(text string) { s.must(os.WriteFile(s.file, []byte(text), 0o600)) }

func (s *soak) half() {
	text := s.variant(s.random.IntN(4))
	s.inPlace(text[:s.random.IntN(len(text))])
	time.Sleep(time.Duration(s.random.IntN(30)) * time.Millisecond)
	s.inPlace(text)
}

// flip lets the symlink lead to another directory.
func (s *soak) flip(to string) {
	link := filepath.Join(s.w.dir, "config", "now")
	s.must(os.Symlink(to, link+".next"))
	s.must(os.Rename(link+".next", link))
}

func (s *soak) flipOver() {
	now, err := os.Readlink(filepath.Dir(s.file))
	s.must(err)
	other := map[string]string{"a": "b", "b": "a"}[now]
	s.must(os.WriteFile(filepath.Join(s.w.dir, "config", other, "topology.yaml"), []byte(s.variant(s.random.IntN(4))), 0o600))
	s.flip(other)
}

// someDrift breaks something in one of the ways of TestDrift, as far as it is there: what
// is being made may not be.
func (s *soak) someDrift() {
	d := drifts[s.random.IntN(len(drifts))]
	s.acts[len(s.acts)-1] += ": " + d.name
	for _, c := range d.drift {
		c = slices.Clone(c)
		for i := range c {
			c[i] = strings.ReplaceAll(c[i], "FAR", s.far)
		}
		switch c[0] {
		case "bridge":
			s.in("", "bridge", c[1:]...)
		case "inside":
			s.in("", "nsenter", append([]string{"--net=" + s.dir + "/ns245", "ip"}, c[1:]...)...)
		case "sysctl":
			s.in("", "sh", "-c", "echo "+c[2]+" > /proc/sys/"+strings.ReplaceAll(c[1], ".", "/"))
		case "netns":
			s.in("", "umount", "-l", s.dir+"/ns245")
			s.in("", "rm", "-f", s.dir+"/ns245")
		default:
			s.in("", "ip", c...)
		}
	}
}

// restart ends the process and starts it again; late in the test it is left alone, so that
// it can gather what it leaks.
func (s *soak) restart(by syscall.Signal) {
	if s.quiet {
		return
	}
	s.begun()
	s.watcher.stop(by)
	s.start()
}

// begun waits until watch says something: before that, a signal may end it as it does any
// process.
func (s *soak) begun() {
	s.w.until("watch has begun", func() bool { return s.watcher.out.String() != "" })
}

func (s *soak) reload() {
	s.begun()
	_ = s.watcher.cmd.Process.Signal(syscall.SIGHUP)
}

// noise changes routes that are nobody's here.
func (s *soak) noise() {
	var b strings.Builder
	for _, verb := range []string{"add", "delete"} {
		for i := range 200 {
			fmt.Fprintf(&b, "route %s blackhole 10.99.%d.0/24\n", verb, i)
		}
	}
	s.in("", "sh", "-c", "ip -batch - <<'END'\n"+b.String()+"END")
}

func (s *soak) foreignLink() {
	s.in("", "ip", "link", "add", "foreign", "type", "bridge")
	s.in("", "ip", "address", "add", "10.98.0.1/24", "dev", "foreign")
	s.in("", "ip", "link", "set", "foreign", "up")
	s.in("", "ip", "link", "delete", "foreign")
}

// end waits until the host is right, and looks for what is left behind.
func (s *soak) end(before []string) {
	s.w.t.Helper()
	s.write(s.variant(0))
	s.must(s.watcher.cmd.Process.Signal(syscall.SIGHUP)) // takes up what was given up, too
	s.watcher.right(s.file)
	s.door.Close() // another namespace may have the name by now
	s.ping("ns245", "172.246.0.2")
	s.w.until("watch says that the host is right", func() bool { return s.tool("status").code == exitOK })
	old := s.held()
	s.watcher.stop(syscall.SIGTERM)
	s.sameLeft(before)
	s.start()
	s.w.until("a new watch says that the host is right", func() bool { return s.tool("status").code == exitOK })
	fresh := s.held()
	s.w.t.Logf("old process %+v, new one %+v", old, fresh)
	if old.fds > fresh.fds || old.goroutines > fresh.goroutines {
		s.w.t.Errorf("watch has leaked: %+v after all that, %+v when it has just begun", old, fresh)
	}
}

// handles are what a process may leak.
type handles struct{ fds, goroutines, threads int }

// held asks the process for what it holds, once it has come to rest.
func (s *soak) held() handles {
	s.w.t.Helper()
	var h handles
	for range 20 {
		now := s.count()
		if now == h {
			break
		}
		h = now
		time.Sleep(100 * time.Millisecond)
	}
	return h
}

func (s *soak) count() handles {
	s.w.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.watcher.cmd.Process.Pid)
	fds, err := os.ReadDir(proc + "fd")
	s.must(err)
	threads, err := os.ReadDir(proc + "task")
	s.must(err)
	h := handles{fds: len(fds), threads: len(threads)}
	_, text := s.ask("/metrics")
	for l := range strings.Lines(text) {
		_, _ = fmt.Sscanf(l, "go_goroutines %d", &h.goroutines)
	}
	if h.goroutines == 0 {
		s.w.t.Fatalf("the metrics don't count goroutines:\n%s", text)
	}
	return h
}

// left lists what is there beside the process: its files, and its namespaces.
func (s *soak) left() []string {
	s.w.t.Helper()
	var l []string
	for _, dir := range []string{s.runDir(), s.runDir() + "-state", s.dir} {
		s.must(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			// What a killed process was writing is swept away a minute later at the earliest.
			if info, gone := os.Stat(path); gone == nil && (!strings.HasPrefix(filepath.Base(path), ".new-") || time.Since(info.ModTime()) > 2*time.Minute) {
				l = append(l, path)
			}
			return err
		}))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	s.must(err)
	for m := range strings.Lines(string(mounts)) {
		if strings.Contains(m, s.dir) {
			l = append(l, "mount "+strings.Fields(m)[4])
		}
	}
	slices.Sort(l)
	return l
}

func (s *soak) sameLeft(want []string) {
	s.w.t.Helper()
	sameLines(s.w.t, "what is left", s.left(), want)
}
