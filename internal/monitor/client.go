package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// askTime is how long Ask waits for an answer.
const askTime = 10 * time.Second

// maxStatus is how much of an answer is read, in bytes: 10,000 peers with some thousand
// namespaces are a few million.
const maxStatus = 64 << 20

// NobodyError says that no process watches the host.
type NobodyError struct {
	Socket string
	Died   bool // there was one, and it has left its socket
}

// Error says what to do.
func (e *NobodyError) Error() string {
	if e.Died {
		return fmt.Sprintf("nobody watches this host any more: %s is there, but its process has ended; start it again: systemctl restart netplan-overlay, or netplan-overlay watch", e.Socket)
	}
	return fmt.Sprintf("nobody watches this host: there is no %s; start it: systemctl start netplan-overlay, or netplan-overlay watch", e.Socket)
}

// Ask asks the process that watches the host with that root network namespace. That there
// is none is a *NobodyError.
func Ask(ctx context.Context, runDir string, netns uint64) (*status.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	name := SocketName(netns)
	path := runDir + "/" + name
	d, err := kernel.OpenDir(runDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NobodyError{Socket: path}
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	conn, err := d.Dial(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &NobodyError{Socket: path}
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, &NobodyError{Socket: path, Died: true}
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; only root and its group may ask: use sudo", err)
	case err != nil:
		return nil, err
	}
	defer conn.Close()
	s, err := get(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("ask the process that watches this host, at %s: %w", path, err)
	}
	return s, nil
}

// get asks by a connection.
func get(ctx context.Context, conn net.Conn) (*status.Status, error) {
	client := http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://host/status", nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %q", res.Status)
	}
	s := &status.Status{}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxStatus)).Decode(s); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if major, _, _ := strings.Cut(s.FormatVersion, "."); major != "1" {
		return nil, fmt.Errorf("it answers in the format %q, and this program reads 1.x: use the program of that process, version %q", s.FormatVersion, s.Version)
	}
	return s, nil
}
