package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pinging is a ping that runs while something is done to the way of its packets.
type pinging struct {
	t       *testing.T
	cmd     *exec.Cmd
	mu      sync.Mutex
	out     bytes.Buffer
	scanned int // bytes of out whose replies are in seen
	seen    []bool
}

// pinging sends an echo request every 5 ms from one of the host's namespaces.
func (h *host) pinging(netns, address string) *pinging {
	h.w.t.Helper()
	return startPinging(h.w.t, func(f func() error) error { return h.door.In(netns, f) }, address)
}

func startPinging(t *testing.T, in func(func() error) error, args ...string) *pinging {
	t.Helper()
	p := &pinging{t: t, cmd: exec.Command("ping", append([]string{"-n", "-i", "0.005"}, args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := in(p.cmd.Start); err != nil {
		t.Fatal(err)
	}
	endAfterwards(t, p.cmd)
	return p
}

var echoReply = regexp.MustCompile(`bytes from .* icmp_seq=(\d+) `)

// Write takes in what ping says, and notes the requests that were answered.
func (p *pinging) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Write(b)
	for {
		line, _, ok := bytes.Cut(p.out.Bytes()[p.scanned:], []byte("\n"))
		if !ok {
			return len(b), nil
		}
		p.scanned += len(line) + 1
		if m := echoReply.FindSubmatch(line); m != nil {
			seq, err := strconv.Atoi(string(m[1]))
			if err != nil {
				return 0, err
			}
			p.seen = append(p.seen, make([]bool, max(0, seq+1-len(p.seen)))...)
			p.seen[seq] = true
		}
	}
}

func (p *pinging) last() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen) - 1
}

// lost ends the ping and tells what was lost, "" for nothing. Ping's own count does not
// tell: it takes a request that is under way at the end for a lost one. So packets go on
// until later ones than all that were sent up to now are answered.
func (p *pinging) lost() string {
	const later = 40 // 0.2 s: far more than are ever under way
	wanted := p.last() + later
	for end := time.Now().Add(10 * time.Second); p.last() < wanted && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	_ = p.cmd.Process.Signal(unix.SIGINT)
	_ = p.cmd.Wait() // it fails if nothing was answered
	answered := p.last()
	if answered < wanted {
		return fmt.Sprintf("no answers after number %d\n%s", answered, &p.out)
	}
	var missing []int
	for seq := 1; seq <= answered; seq++ {
		if !p.seen[seq] {
			missing = append(missing, seq)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("of %d, no answer to %v\n%s", answered, missing, p.out.Bytes()[max(0, bytes.LastIndex(p.out.Bytes(), []byte("\n--- "))):])
}

// Whoever asks for lost packets hears of them, and of no others.
func TestPinging(t *testing.T) {
	w := twoHosts(t)
	w.applyAll(w.file("topology.yaml", two("host-gw")))
	h := w.hosts[0]
	h.ping("ns245", "172.246.0.2")
	p := h.pinging("ns245", "172.246.0.2")
	if lost := p.lost(); lost != "" {
		t.Errorf("nothing was done, and lost: %s", lost)
	}
	p = h.pinging("ns245", "172.246.0.2")
	h.ip("route", "add", "blackhole", "172.246.0.2/32")
	time.Sleep(200 * time.Millisecond)
	h.ip("route", "delete", "blackhole", "172.246.0.2/32")
	if lost := p.lost(); !strings.Contains(lost, "no answer to [") {
		t.Errorf("of a hole for a while: %q", lost)
	}
	p = h.pinging("ns245", "172.246.0.2")
	h.ip("route", "add", "blackhole", "172.246.0.2/32")
	if lost := p.lost(); !strings.HasPrefix(lost, "no answers after ") {
		t.Errorf("of a hole for good: %q", lost)
	}
}
