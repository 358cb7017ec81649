package service

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

const (
	patience  = time.Second      // how long a message may wait for a manager that is busy
	unwatched = 20 * time.Second // between beats where there is a manager, and no watchdog
	maxStatus = 1024             // bytes of a status text
)

// Notifier speaks to the service manager. Where there is none, it says nothing: the zero
// value does, too. It is not safe for concurrent use.
type Notifier struct {
	conn     *net.UnixConn // nil: nobody listens
	watchdog time.Duration // without a beat, until the process is killed; 0: there is no watchdog
	ready    bool
	status   string    // that was told last
	beat     time.Time // the last one that was sent
}

// New reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the
// environment, so that no program that is started speaks in this one's name. The notifier
// can be used even if there is an error: it says nothing then.
func New() (*Notifier, error) {
	n := &Notifier{}
	var socket, usec, pid string
	for name, to := range map[string]*string{"NOTIFY_SOCKET": &socket, "WATCHDOG_USEC": &usec, "WATCHDOG_PID": &pid} {
		*to = os.Getenv(name)
		if err := os.Unsetenv(name); err != nil {
			return n, fmt.Errorf("take %s from the environment: %w", name, err)
		}
	}
	if socket == "" {
		return n, nil
	}
	if socket[0] != '/' && socket[0] != '@' {
		return n, fmt.Errorf("NOTIFY_SOCKET is %q: neither an absolute path nor an abstract socket (@...)", socket)
	}
	// It stays open: an abstract socket belongs to the network namespace of this moment.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return n, fmt.Errorf("connect to the service manager: %w", err)
	}
	n.conn = conn
	n.watchdog, err = watchdogTimeout(usec, pid)
	return n, err
}

// watchdogTimeout is sd_watchdog_enabled(3): 0 if there is none, or it is another process's.
func watchdogTimeout(usec, pid string) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseUint(usec, 10, 53) // 285 years
	if err != nil || n == 0 {
		return 0, fmt.Errorf("WATCHDOG_USEC is %q: it is a number of microseconds", usec)
	}
	return time.Duration(n) * time.Microsecond, nil
}

// Close ends the connection.
func (n *Notifier) Close() error {
	if n.conn == nil {
		return nil
	}
	err := n.conn.Close()
	n.conn = nil
	return err
}

// Ready says that the process does what it is there for: after it was started, and after
// Reloading.
func (n *Notifier) Ready() error {
	n.ready = true
	return n.send("READY=1")
}

// Reloading says that the configuration is about to be read again. Ready has to follow,
// whatever comes of it.
func (n *Notifier) Reloading() error {
	if n.conn == nil {
		return nil
	}
	now, err := kernel.Monotonic()
	if err != nil {
		return err
	}
	return n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Microseconds(), 10))
}

// Stopping says that the process is about to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status tells a person in one line how it is; the same text twice is sent once.
func (n *Notifier) Status(text string) error {
	if text = oneLine(text); text == n.status {
		return nil
	}
	if err := n.send("STATUS=" + text); err != nil {
		return err
	}
	n.status = text
	return nil
}

// Every returns how often to call Beat at least; 0: there is no need to.
func (n *Notifier) Every() time.Duration {
	switch {
	case n.conn == nil:
		return 0
	case n.watchdog == 0:
		return unwatched
	}
	return n.watchdog / 3
}

// Beat says that the caller is alive. It may be called at every turn of a loop, and
// within long work: it sends only as often as needed. Before Ready there is no watchdog
// yet, but a limit to the time of starting: that is put off, so that a start may take as
// long as it has to wait for something, and no longer than the caller is alive.
func (n *Notifier) Beat() error {
	now := time.Now()
	if n.conn == nil || now.Sub(n.beat) < n.Every()/2 {
		return nil
	}
	n.beat = now
	lines := make([]string, 0, 2)
	if n.watchdog > 0 {
		lines = append(lines, "WATCHDOG=1")
	}
	if !n.ready {
		lines = append(lines, "EXTEND_TIMEOUT_USEC="+strconv.FormatInt((3*n.Every()).Microseconds(), 10))
	}
	if len(lines) == 0 {
		return nil
	}
	return n.send(lines...)
}

func (n *Notifier) send(lines ...string) error {
	if n.conn == nil {
		return nil
	}
	err := n.conn.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		_, err = n.conn.Write([]byte(strings.Join(lines, "\n")))
	}
	if err != nil {
		return fmt.Errorf("tell the service manager %s: %w", lines[0], err)
	}
	return nil
}

// oneLine makes a text fit for a message of lines, and for a terminal. The manager
// ignores a status that is not UTF-8.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxStatus {
		text = strings.ToValidUTF8(text[:maxStatus], "")
	}
	return text
}
