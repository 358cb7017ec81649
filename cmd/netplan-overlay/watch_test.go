package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// watcher is a watch that runs on a host.
type watcher struct {
	h   *host
	cmd *exec.Cmd
	out lines
}

// lines is what a process says, while it lives.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// watch starts watch on the host, and ends it with the test. Looks that nothing asks for
// are so rare that no test meets one.
func (h *host) watch(file string, args ...string) *watcher {
	h.w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.w.t.Fatal(err)
	}
	args = append([]string{"watch", "-f", file, "--interval", "1h", "--log-level", "info", "--state-dir", h.runDir() + "-state"}, args...)
	w := &watcher{h: h, cmd: exec.Command(self, append(args, "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())...)}
	w.cmd.Env = append(os.Environ(), asTool+"=1", "NO_COLOR=1")
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	if err := h.door.In("", w.cmd.Start); err != nil {
		h.w.t.Fatal(err)
	}
	h.w.t.Cleanup(func() {
		if w.cmd.ProcessState == nil {
			w.stop(syscall.SIGTERM)
		}
		if h.w.t.Failed() {
			h.w.t.Logf("%s: watch said:\n%s", h.name, w.out.String())
		}
	})
	return w
}

// stop ends it by a signal.
func (w *watcher) stop(s syscall.Signal) {
	w.h.w.t.Helper()
	if s != syscall.SIGKILL { // before it is that far, a signal ends it as it does any process
		w.h.w.until("watch has said something", func() bool { return w.out.String() != "" })
	}
	_ = w.cmd.Process.Signal(s)
	late := time.AfterFunc(20*time.Second, func() { _ = w.cmd.Process.Signal(syscall.SIGABRT) })
	err := w.cmd.Wait()
	if !late.Stop() || err != nil && s == syscall.SIGTERM {
		w.h.w.t.Errorf("%s: watch did not end well: %v", w.h.name, err)
	}
}

// says waits until it has said something.
func (w *watcher) says(text string) {
	w.h.w.t.Helper()
	w.h.w.until(fmt.Sprintf("watch says %q", text), func() bool { return strings.Contains(w.out.String(), text) })
}

// right waits until the plan is empty.
func (w *watcher) right(file string) {
	w.h.w.t.Helper()
	var r result
	w.h.w.until("the host is right again", func() bool {
		r = w.h.tool("plan", "-f", file, "--detailed-exitcode")
		return r.code == exitOK
	})
}

// wrong ends the test unless the host differs: what was done to it would show nothing.
func (h *host) wrong(file, done string) {
	h.w.t.Helper()
	if r := h.tool("plan", "-f", file, "--detailed-exitcode"); r.code != exitChanges {
		h.w.t.Fatalf("it breaks nothing: %s\n%s%s", done, r.out, r.err)
	}
}

// asleep stops it while something is done that takes several commands.
func (w *watcher) asleep(f func()) {
	_ = w.cmd.Process.Signal(syscall.SIGSTOP)
	defer w.cmd.Process.Signal(syscall.SIGCONT)
	f()
}

// Each drift is put right by the event that it makes: no look comes by itself.
func TestWatchDrift(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	w.hosts[1].apply(file)
	watch := h.watch(file, "--max-disruptive", "100")
	watch.right(file)
	far := fmt.Sprint(w.hosts[1].jsonOf("", "ip", "link", "show", "vxlan1")[0]["address"])
	for _, tc := range drifts {
		t.Run(tc.name, func(t *testing.T) {
			w.t = t
			defer func(all *testing.T) { w.t = all }(w.t)
			watch.asleep(func() {
				for _, d := range tc.drift {
					if d[0] == "netns" {
						h.door.Close()
						w.must("umount", "-l", h.dir+"/ns245")
						w.must("rm", h.dir+"/ns245")
						continue
					}
					h.drift(d, far)
				}
			})
			watch.right(file)
			h.ping("ns245", "172.246.0.2")
			if strings.Contains(watch.out.String(), "left alone") {
				t.Fatal("watch has given something up")
			}
		})
	}
}

// The same for the kinds that only ipip has.
func TestWatchDriftIPIP(t *testing.T) {
	needIPIP(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("ipip"))
	w.hosts[1].apply(file)
	watch := h.watch(file, "--max-disruptive", "100")
	watch.right(file)
	for _, tc := range tunnelDrifts {
		if tc.backend != "ipip" {
			continue
		}
		watch.asleep(func() { h.drift(tc.drift, "") })
		watch.right(file)
		h.ping("ns245", "172.246.0.2")
	}
}
