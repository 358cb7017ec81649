package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// host is what is told of, and can be changed meanwhile.
type host struct {
	mu     sync.Mutex
	s      *status.Status
	broken error
	peers  error
}

func (h *host) status() *status.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := *h.s
	return &c
}

func (h *host) set(f func(h *host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

func (h *host) alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.broken
}

func (h *host) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peers
}

const netns = 4026531840

// runDir is a directory that nobody else may write into; its path is longer than that of
// a socket may be.
func runDir(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, strings.Repeat("long", 30))
	if err := errors.Join(os.Chmod(top, 0o755), os.Mkdir(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve runs a monitor until the test ends, or stop is called.
func serve(t *testing.T, h *host, c monitor.Config) (stop func() error) {
	t.Helper()
	c.Status, c.Alive, c.Ready, c.Netns, c.Log = h.status, h.alive, h.ready, netns, slog.New(slog.DiscardHandler)
	m, err := monitor.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, m.Close())
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return stop
}

// by makes requests on the socket.
func by(dir string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			d, err := os.Open(dir) // the path of a socket must be short
			if err != nil {
				return nil, err
			}
			defer d.Close()
			return new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), monitor.SocketName(netns)))
		},
	}}
}

func request(t *testing.T, c *http.Client, method, url string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// Each path answers on the socket, and as well on an address.
func TestServe(t *testing.T) {
	h, dir, address := &host{s: full()}, runDir(t), freeAddress(t)
	serve(t, h, monitor.Config{RunDir: dir, Listen: address})
	for where, c := range map[string]*http.Client{"http://host": by(dir), "http://" + address: {Transport: &http.Transport{DisableKeepAlives: true}}} {
		code, body := request(t, c, "GET", where+"/metrics")
		for _, want := range []string{"\nnetplan_overlay_state{state=\"in-sync\"} 1\n", "\nprocess_open_fds ", "\ngo_goroutines "} {
			if code != 200 || !strings.Contains(body, want) {
				t.Errorf("%s/metrics answers %d, without %q:\n%s", where, code, want, body)
			}
		}
		if problems, err := promlint.New(strings.NewReader(ours(body))).Lint(); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		code, body = request(t, c, "GET", where+"/status")
		var s status.Status
		if err := json.Unmarshal([]byte(body), &s); err != nil || code != 200 || s.Node != "vm1" {
			t.Errorf("%s/status answers %d, %v:\n%s", where, code, err, body)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if code, body := request(t, c, "GET", where+path); code != 200 || body != "ok\n" {
				t.Errorf("%s%s answers %d, %q", where, path, code, body)
			}
		}
		for _, x := range []struct {
			method, path string
			want         int
		}{{"GET", "/", 404}, {"GET", "/debug/pprof/", 404}, {"POST", "/status", 405}, {"DELETE", "/metrics", 405}, {"HEAD", "/healthz", 200}, {"GET", "/status/..%2f", 404}} {
			if code, _ := request(t, c, x.method, where+x.path); code != x.want {
				t.Errorf("%s %s%s answers %d, want %d", x.method, where, x.path, code, x.want)
			}
		}
	}
}

// ours are the metrics that others didn't name.
func ours(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "netplan_overlay_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// freeAddress is one of the loopback's that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Ready is a host that is as the revision in force says, and whose peers are there.
func TestReadiness(t *testing.T) {
	h, dir := &host{s: full()}, runDir(t)
	serve(t, h, monitor.Config{RunDir: dir})
	c := by(dir)
	for _, state := range status.States() {
		h.set(func(h *host) { h.s.State, h.s.Reason = state, "" })
		want, text := 503, string(state)+"\n"
		if state == status.InSync {
			want, text = 200, "ok\n"
		}
		if code, body := request(t, c, "GET", "http://host/readyz"); code != want || body != text {
			t.Errorf("%s: %d, %q", state, code, body)
		}
	}
	h.set(func(h *host) {
		h.s.State, h.s.Reason, h.s.DryRun = status.Drifted, "1 object differs; this is a dry run", true
	})
	if code, body := request(t, c, "GET", "http://host/readyz"); code != 503 || body != "drifted: 1 object differs; this is a dry run\n" {
		t.Errorf("%d, %q", code, body)
	}
	h.set(func(h *host) { h.s.Reason = "link \x1b[2J\xff\u202e\r" })
	if code, body := request(t, c, "GET", "http://host/readyz"); code != 503 || body != "drifted: link ?[2J???\n" {
		t.Errorf("%d, %q", code, body)
	}
	h.set(func(h *host) { h.s.State, h.peers = status.InSync, errors.New("vm3 is down") })
	if code, body := request(t, c, "GET", "http://host/readyz"); code != 503 || body != "vm3 is down\n" {
		t.Errorf("%d, %q", code, body)
	}
	if code, _ := request(t, c, "GET", "http://host/healthz"); code != 200 {
		t.Errorf("healthz answers %d: a host that isn't ready is no reason to start anew", code)
	}
	h.set(func(h *host) { h.broken = errors.New("the loop has not turned for 60 s") })
	if code, body := request(t, c, "GET", "http://host/healthz"); code != 503 || body != "the loop has not turned for 60 s\n" {
		t.Errorf("%d, %q", code, body)
	}
}

// One process a host answers. What a killed one has left is taken over; of one that ended
// well, no socket is left.
func TestSocket(t *testing.T) {
	h, dir := &host{s: full()}, runDir(t)
	path := filepath.Join(dir, monitor.SocketName(netns))
	stop := serve(t, h, monitor.Config{RunDir: dir})
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Fatalf("%v, %v", info, err)
	}
	_, err = monitor.New(monitor.Config{Status: h.status, RunDir: dir, Netns: netns})
	if want := fmt.Sprintf("another process watches this host already: process \"%d\"", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("a second one: %v, want %q", err, want)
	}
	if s, err := monitor.Ask(t.Context(), dir, netns); err != nil || s.Node != "vm1" {
		t.Fatalf("the first one answers %v, %v", s, err)
	}
	other := serve(t, h, monitor.Config{RunDir: runDir(t)}) // another host is no hindrance
	if err := errors.Join(other(), stop()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket is left: %v", err)
	}

	stale(t, path)
	serve(t, h, monitor.Config{RunDir: dir})
	if s, err := monitor.Ask(t.Context(), dir, netns); err != nil || s.Node != "vm1" {
		t.Fatalf("%v, %v", s, err)
	}
}

// stale leaves a socket that nobody listens on.
func stale(t *testing.T, path string) {
	t.Helper()
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), filepath.Base(path))})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// Whoever asks is told why there is no answer.
func TestAskNobody(t *testing.T) {
	var nobody *monitor.NobodyError
	missing := filepath.Join(runDir(t), "nonesuch")
	if _, err := monitor.Ask(t.Context(), missing, netns); !errors.As(err, &nobody) || nobody.Died {
		t.Errorf("%v", err)
	}
	dir := runDir(t)
	if _, err := monitor.Ask(t.Context(), dir, netns); !errors.As(err, &nobody) || nobody.Died || !strings.Contains(err.Error(), "netplan-overlay watch") {
		t.Errorf("%v", err)
	}
	stale(t, filepath.Join(dir, monitor.SocketName(netns)))
	if _, err := monitor.Ask(t.Context(), dir, netns); !errors.As(err, &nobody) || !nobody.Died {
		t.Errorf("%v", err)
	}
	later := full()
	later.FormatVersion = "2.0"
	strange := runDir(t)
	serve(t, &host{s: later}, monitor.Config{RunDir: strange})
	if s, err := monitor.Ask(t.Context(), strange, netns); err != nil || s.FormatVersion != status.FormatVersion {
		t.Errorf("the form is the program's, whatever the loop says: %v, %v", s, err)
	}
}

func TestListenErrors(t *testing.T) {
	h := &host{s: full()}
	for address, want := range map[string]string{
		"9101": "it is an address and a port", "127.0.0.1": "it is an address and a port", "127.0.0.1:": "it is an address and a port",
		"192.0.2.1:9101": "listen at 192.0.2.1:9101: ",
	} {
		if _, err := monitor.New(monitor.Config{Status: h.status, Listen: address}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// However many connect, and say nothing, whoever asks by the socket is answered.
func TestConnectionLimit(t *testing.T) {
	h, dir, address := &host{s: full()}, runDir(t), freeAddress(t)
	serve(t, h, monitor.Config{RunDir: dir, Listen: address})
	var idle []net.Conn
	for range 100 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	if _, err := monitor.Ask(t.Context(), dir, netns); err != nil {
		t.Error(err)
	}
	for _, c := range idle {
		c.Close()
	}
	if code, _ := request(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "GET", "http://"+address+"/healthz"); code != 200 {
		t.Errorf("when they are gone, it answers %d", code)
	}
}

// Each metric that a scrape has is on the page, or of the process or of Go.
func TestScrapeIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := runDir(t)
	serve(t, &host{s: full()}, monitor.Config{RunDir: dir})
	_, body := request(t, by(dir), "GET", "http://host/metrics")
	for line := range strings.Lines(body) {
		f := strings.Fields(line)
		if f[0] != "#" || f[1] != "TYPE" || slices.ContainsFunc([]string{"go_", "process_", "promhttp_"}, func(p string) bool { return strings.HasPrefix(f[2], p) }) {
			continue
		}
		if !bytes.Contains(page, []byte("| `"+f[2]+"` | "+f[3]+" |")) {
			t.Errorf("%s is not on the page", f[2])
		}
	}
}
