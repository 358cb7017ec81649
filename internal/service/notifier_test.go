package service_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/service"
)

// manager listens as systemd does.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

// listen makes a manager, and the environment that it gives to what it starts.
func listen(t *testing.T, socket, usec, pid string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	environment(t, socket, usec, pid)
	return &manager{t, conn}
}

func environment(t *testing.T, socket, usec, pid string) {
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", usec)
	t.Setenv("WATCHDOG_PID", pid)
}

// heard returns the messages that wait: what was sent has arrived, as both ends are on
// one machine. It doesn't wait, so that it works where the clock stands still, too.
func (m *manager) heard() []string {
	m.t.Helper()
	raw, err := m.conn.SyscallConn()
	check(m.t, err)
	var all []string
	buffer := make([]byte, 1<<16)
	err = raw.Control(func(fd uintptr) {
		for {
			n, _, err := syscall.Recvfrom(int(fd), buffer, syscall.MSG_DONTWAIT)
			if err != nil {
				return
			}
			all = append(all, string(buffer[:n]))
		}
	})
	check(m.t, err)
	return all
}

func open(t *testing.T) *service.Notifier {
	t.Helper()
	n, err := service.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// A service's life, by a socket with a path and an abstract one.
func TestLife(t *testing.T) {
	for name, socket := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@netplan-overlay-test-%d", os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			m := listen(t, socket, "", "")
			n := open(t)
			check(t, n.Status("starting"), n.Ready(), n.Status("in sync"), n.Status("in sync"))
			before, err := kernel.Monotonic()
			check(t, err, n.Reloading())
			after, err := kernel.Monotonic()
			check(t, err, n.Ready(), n.Stopping())
			got := m.heard()
			if len(got) != 6 {
				t.Fatalf("heard %q", got)
			}
			first, usec, _ := strings.Cut(got[3], "\nMONOTONIC_USEC=")
			when, err := strconv.ParseInt(usec, 10, 64)
			if err != nil || when < before.Microseconds() || when > after.Microseconds() {
				t.Errorf("reloading at %s µs, want %d to %d", usec, before.Microseconds(), after.Microseconds())
			}
			got[3] = first
			want := []string{"STATUS=starting", "READY=1", "STATUS=in sync", "RELOADING=1", "READY=1", "STOPPING=1"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// A process that is started later must not speak in this one's name.
func TestEnvironmentIsTaken(t *testing.T) {
	listen(t, filepath.Join(t.TempDir(), "notify"), "1000000", "1")
	open(t)
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if v, there := os.LookupEnv(name); there {
			t.Errorf("%s=%s is still there", name, v)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	environment(t, "", "60000000", "")
	for name, n := range map[string]*service.Notifier{"without a socket": open(t), "zero": {}} {
		check(t, n.Ready(), n.Status("x"), n.Reloading(), n.Beat(), n.Stopping(), n.Close())
		if d := n.Every(); d != 0 {
			t.Errorf("%s: a beat every %v", name, d)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Run("kind of socket", func(t *testing.T) {
		environment(t, "vsock:2:1234", "", "")
		n, err := service.New()
		if err == nil || !strings.Contains(err.Error(), "vsock:2:1234") {
			t.Errorf("error %v", err)
		}
		check(t, n.Ready())
	})
	t.Run("nothing there", func(t *testing.T) {
		environment(t, filepath.Join(t.TempDir(), "notify"), "", "")
		n, err := service.New()
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
		check(t, n.Ready())
	})
	t.Run("watchdog", func(t *testing.T) {
		m := listen(t, filepath.Join(t.TempDir(), "notify"), "1m", "")
		n, err := service.New()
		if err == nil || !strings.Contains(err.Error(), `WATCHDOG_USEC is "1m"`) {
			t.Errorf("error %v", err)
		}
		check(t, n.Ready(), n.Close())
		if got := m.heard(); len(got) != 1 {
			t.Errorf("heard %q", got)
		}
	})
}

func TestManagerHasGone(t *testing.T) {
	m := listen(t, filepath.Join(t.TempDir(), "notify"), "", "")
	n := open(t)
	m.conn.Close()
	if err := n.Status("x"); err == nil || !strings.Contains(err.Error(), "STATUS=x") {
		t.Errorf("error %v", err)
	}
}

func TestWhoseWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, test := range []struct {
		name, usec, pid string
		want            time.Duration
	}{
		{"own", "60000000", own, 20 * time.Second},
		{"of no process in particular", "30000000", "", 10 * time.Second},
		{"of the parent", "30000000", "1", 20 * time.Second}, // the limit of the start is put off all the same
		{"none", "", "", 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			listen(t, filepath.Join(t.TempDir(), "notify"), test.usec, test.pid)
			if got := open(t).Every(); got != test.want {
				t.Errorf("a beat every %v, want %v", got, test.want)
			}
		})
	}
}

// However often the loop turns, a beat goes out when it is due, and never later than
// the watchdog bears.
func TestBeat(t *testing.T) {
	for _, test := range []struct {
		name, usec string
		ready      bool
		step       time.Duration // of the loop
		want       int           // messages in 600 s
		text       string
	}{
		{"starting", "60000000", false, 20 * time.Second, 30, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"},
		{"ready", "60000000", true, 20 * time.Second, 30, "WATCHDOG=1"},
		{"busy", "60000000", true, time.Second, 60, "WATCHDOG=1"},
		{"starting without a watchdog", "", false, 20 * time.Second, 30, "EXTEND_TIMEOUT_USEC=60000000"},
		{"ready without a watchdog", "", true, 20 * time.Second, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := listen(t, filepath.Join(t.TempDir(), "notify"), test.usec, "")
			var got []string
			synctest.Test(t, func(t *testing.T) {
				n, err := service.New()
				check(t, err)
				defer n.Close()
				if test.ready {
					check(t, n.Ready())
				}
				for range 600 * time.Second / test.step {
					check(t, n.Beat())
					got = append(got, m.heard()...)
					time.Sleep(test.step)
				}
			})
			if test.ready && len(got) > 0 {
				got = got[1:] // READY
			}
			if len(got) != test.want {
				t.Errorf("%d messages, want %d", len(got), test.want)
			}
			for _, text := range got {
				if text != test.text {
					t.Fatalf("message %q, want %q", text, test.text)
				}
			}
		})
	}
}

// A text from a kernel, a file or an error is one line for the manager, and harmless
// in a terminal.
func TestStatusIsOneLine(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"other assignments", "x\nMAINPID=1\nSTOPPING=1", "STATUS=x MAINPID=1 STOPPING=1"},
		{"escapes", "\x1b[2Jred\x07\u202e", "STATUS= [2Jred  "},
		{"not UTF-8", "a\xff\xfeb", "STATUS=a?b"},
		{"long", strings.Repeat("ä", 5000), "STATUS=" + strings.Repeat("ä", 512)},
		{"cut in a character", "x" + strings.Repeat("ä", 5000), "STATUS=x" + strings.Repeat("ä", 511)},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := listen(t, filepath.Join(t.TempDir(), "notify"), "", "")
			check(t, open(t).Status(test.in))
			if diff := cmp.Diff([]string{test.want}, m.heard()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
