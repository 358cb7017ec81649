package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// measured is how long a host stayed broken in one way.
type measured struct {
	Fault  string
	Times  []time.Duration // sorted
	Polled []time.Duration // sorted; with apply from time to time instead
}

// world is a size of a host, and what was measured on it.
type world struct {
	Backend  string
	Peers    int
	Samples  int
	Polls    int  // samples by polling; 0: none
	Single   bool // no faults that take one object a peer along: they need minutes
	Measured []measured
}

// plan of a run: see README.
func worlds(quick bool) []world {
	l := []world{
		{Backend: "vxlan", Peers: 10, Samples: 30},
		{Backend: "vxlan", Peers: 1000, Samples: 30, Polls: 3},
		{Backend: "host-gw", Peers: 1000, Samples: 30},
		{Backend: "vxlan", Peers: 10000, Samples: 5, Single: true},
	}
	if quick {
		return l[1:2]
	}
	return l
}

const (
	pollEvery = time.Second
	patience  = time.Minute

	// A fault that takes long has fewer samples.
	atLeast = 3
	enough  = 6 * time.Second
)

// latency measures reaction times, and tells of them on stderr as it goes.
func latency(ctx context.Context, tool string, list []world, only string) error {
	for i := range list {
		if err := list[i].measure(ctx, tool, only); err != nil {
			return fmt.Errorf("%s, %d peers: %w", list[i].Backend, list[i].Peers, err)
		}
	}
	return nil
}

func (w *world) measure(ctx context.Context, tool, only string) (err error) {
	h, err := newHost(topology(w.Backend, w.Peers))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	p, err := h.keeper()
	if err != nil {
		return err
	}
	stop := p.end
	defer func() { err = errors.Join(err, stop()) }()
	if err := p.says(ctx, "state=in-sync"); err != nil {
		return err
	}
	s, err := newScene(h, w.Backend, w.Peers)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(os.Stderr, "%s, %d peers\n", w.Backend, w.Peers)
	for _, f := range faults(w.Backend) {
		if !strings.Contains(f.name, only) || w.Single && only == "" && len(f.gone) > 0 {
			continue
		}
		times, err := s.samples(ctx, f, w.Samples, event)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w\nthe loop said last:\n%s", err, tail(p.log))
		}
		w.Measured = append(w.Measured, measured{Fault: f.name, Times: times})
		fmt.Fprintf(os.Stderr, "  %-62s %v\n", f.name, spread(times))
	}
	if w.Polls == 0 {
		return nil
	}
	err = stop()
	stop = func() error { return nil }
	if err != nil {
		return err
	}
	return w.poll(ctx, s, tool)
}

// poll measures the same faults while apply is run from time to time.
func (w *world) poll(ctx context.Context, s *scene, tool string) error {
	shell := fmt.Sprintf(`while :; do "$0" "$@" >/dev/null 2>&1; sleep %v; done`, pollEvery.Seconds())
	args := append([]string{"-c", shell, tool, "apply", "--auto-approve", "--allow-mgmt"}, s.flags()...)
	cmd := s.command("sh", args...)
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return err
	}
	defer killGroup(cmd)
	for i := range w.Measured {
		m := &w.Measured[i]
		for _, f := range faults(w.Backend) {
			if f.name != m.Fault {
				continue
			}
			var err error
			if m.Polled, err = s.samples(ctx, f, w.Polls, polled); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "  %-62s %v, by polling\n", f.name, spread(m.Polled))
		}
	}
	return nil
}

// mode is by what the host is put right.
type mode bool

const (
	event  mode = false
	polled mode = true
)

// samples breaks the host in the same way again and again. What comes within four times
// the last look's duration waits for it, so that the loop never takes a processor for
// itself: there is a longer pause between samples.
func (s *scene) samples(ctx context.Context, f fault, n int, m mode) ([]time.Duration, error) {
	var l []time.Duration
	begun := time.Now()
	for i := range n {
		if i >= atLeast && time.Since(begun) > enough {
			break
		}
		d, err := s.sample(ctx, f, i, patience)
		if err != nil {
			return nil, err
		}
		l = append(l, d)
		pause := 30*time.Millisecond + 5*d
		if m == polled { // at any time between two runs
			pause = time.Duration(math.Mod(float64(i)*0.618, 1) * float64(pollEvery))
		}
		time.Sleep(pause)
		if err := s.follow(); err != nil {
			return nil, err
		}
	}
	sorted(l)
	if err := s.converged(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return l, nil
}

// quantile returns the smallest of the sorted times that the part q does not exceed.
func quantile(l []time.Duration, q float64) time.Duration {
	return l[max(0, int(math.Ceil(q*float64(len(l))))-1)]
}

func sorted(l []time.Duration) { slices.Sort(l) }

func spread(l []time.Duration) string {
	return fmt.Sprintf("median %s, p90 %s, p99 %s, max %s ms",
		millis(quantile(l, 0.5)), millis(quantile(l, 0.9)), millis(quantile(l, 0.99)), millis(l[len(l)-1]))
}

func millis(d time.Duration) string {
	switch ms := d.Seconds() * 1000; {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	default:
		return fmt.Sprintf("%.0f", ms)
	}
}
