package main

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// manager hears what a service says to systemd.
type manager struct {
	mu   sync.Mutex
	said []string
}

// newManager listens, and tells that to what is started from now on.
func newManager(t *testing.T) *manager {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	m := &manager{}
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said = append(m.said, string(buffer[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// count returns how many messages begin with a text.
func (m *manager) count(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, s := range m.said {
		if strings.HasPrefix(s, text) {
			n++
		}
	}
	return n
}

// A service is ready when the host is right, and again when a reload has put the changed
// file in force; while it waits for its address, a reload doesn't make it so.
func TestWatchService(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	const local = "192.168.32.245/24"
	h.ip("address", "delete", local, "dev", "eth0")
	m := newManager(t)
	t.Setenv("WATCHDOG_USEC", "900000")
	watch := h.watch(file)
	w.until("it tells that it waits", func() bool { return m.count("STATUS=waiting") > 0 })
	_ = watch.cmd.Process.Signal(syscall.SIGHUP)
	watch.says("reloading")
	w.until("it puts off the limit of the start", func() bool { return m.count("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=900000") > 1 })
	if n := m.count("READY=1"); n > 0 {
		t.Fatal("it was ready before its address was there")
	}
	h.ip("address", "add", local, "dev", "eth0")
	w.until("it is ready", func() bool { return m.count("READY=1") == 1 })
	if r := h.tool("plan", "-f", file, "--detailed-exitcode"); r.code != exitOK {
		t.Errorf("it was ready before the host was right:\n%s", r.out)
	}
	for i, name := range []string{"one", "two", "three"} {
		w.file("topology.yaml", strings.Replace(two("vxlan"), "ns245: 172.245.0.2/24", "ns245: 172.245.0.2/24, "+name+": 172.245.0.9/24", 1))
		_ = watch.cmd.Process.Signal(syscall.SIGHUP)
		w.until("it is ready again", func() bool { return m.count("READY=1") == i+2 })
		if r := h.tool("plan", "-f", file, "--detailed-exitcode"); r.code != exitOK {
			t.Errorf("the reload was over before the file was in force:\n%s", r.out)
		}
	}
	watch.stop(syscall.SIGTERM)
	w.until("it tells that it ends", func() bool { return m.count("STOPPING=1") == 1 })
	if n := m.count("RELOADING=1\nMONOTONIC_USEC="); n != 3 {
		t.Errorf("%d reloads, want 3", n)
	}
}
