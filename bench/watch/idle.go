package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// calm is how long a host is left alone before it is measured: IPv6 addresses come of
// age in between.
const calm = 5 * time.Second

// watching starts watch on the host, and returns when the host is right.
func (h *host) watching(ctx context.Context, tool string, args ...string) (*process, error) {
	args = append([]string{"watch", "--log-level", "info", "--state-dir", h.dir + "/state", "--max-disruptive", "1000"}, args...)
	p, err := h.start(h.command(tool, append(args, h.flags()...)...), "watch")
	if err != nil {
		return nil, err
	}
	if err := p.says(ctx, "in-sync"); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, pause(ctx, calm)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// counters are what a watching process has counted.
type counters struct {
	State    string `json:"state"`
	Counters struct {
		Passes   map[string]uint64 `json:"passes"`
		Events   uint64            `json:"events"`
		Relevant uint64            `json:"events_relevant"`
		Overruns uint64            `json:"event_overruns"`
	} `json:"counters"`
}

// ask asks the watching process.
func (h *host) ask(tool string) (counters, error) {
	var c counters
	b, err := h.command(tool, append([]string{"status", "--format", "json"}, h.flags()...)...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("status: %w: %s", err, b)
	}
	return c, nil
}

func idleCommand(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("idle", flag.ContinueOnError)
	tool := set.String("tool", "netplan-overlay", "the program")
	period := set.Duration("for", time.Minute, "how long")
	sizes := set.String("peers", "1000,10000", "how many peers the hosts have")
	if err := set.Parse(args); err != nil {
		return err
	}
	for _, size := range strings.Split(*sizes, ",") {
		peers, err := strconv.Atoi(size)
		if err != nil {
			return fmt.Errorf("-peers: %w", err)
		}
		if err := idle(ctx, *tool, peers, *period); err != nil {
			return err
		}
	}
	return nil
}

// idle reports what watch costs while nothing happens: with its timers out of sight, and,
// for the period, as it is by default. More than 1,000 peers are asked for memory alone.
func idle(ctx context.Context, tool string, peers int, period time.Duration) (err error) {
	h, err := newHost(topology("vxlan", peers))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	fmt.Printf("vxlan, %d peers\n", peers)
	if peers <= 1000 {
		if err := h.quiet(ctx, tool, "--interval 1h", min(period, 30*time.Second), "--interval", "1h"); err != nil {
			return err
		}
	}
	if peers > 1000 {
		period = min(period, 5*time.Second)
	}
	return h.quiet(ctx, tool, "default interval (1m)", period)
}

// quiet runs watch for a while in which nothing happens.
func (h *host) quiet(ctx context.Context, tool, name string, period time.Duration, args ...string) (err error) {
	p, err := h.watching(ctx, tool, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	asked, err := h.ask(tool)
	if err != nil {
		return err
	}
	// The runtime itself goes to sleep step by step (sysmon, runtime/proc.go).
	if err := pause(ctx, calm); err != nil {
		return err
	}
	before, err := usageOf(p.Process.Pid)
	if err != nil {
		return err
	}
	if err := pause(ctx, period); err != nil {
		return err
	}
	after, err := usageOf(p.Process.Pid)
	if err != nil {
		return err
	}
	rss, pss, peak := memory(p.Process.Pid)
	now, err := h.ask(tool)
	if err != nil {
		return err
	}
	fmt.Printf("  %s, for %v:\n", name, period)
	cpu, hours := after.cpu-before.cpu, period.Hours()
	fmt.Printf("    wake-ups: %d, over %d threads\n", after.wakes-before.wakes, after.threads)
	fmt.Printf("    looks: %s\n", passes(asked, now))
	fmt.Printf("    CPU time: %v; an hour of it: %.2f s (%s)\n", cpu.Round(10*time.Microsecond), cpu.Seconds()/hours, measuredOr(period))
	fmt.Printf("    memory: RSS %s, PSS %s, most %s; %d files\n", mib(rss), mib(pss), mib(peak), after.files)
	if now.State != "in-sync" {
		return fmt.Errorf("the host is %s", now.State)
	}
	return h.afterRepairs(ctx, p)
}

// afterRepairs reports what watch has in memory when it has put objects of a peer right,
// and a link, and some time has passed.
func (h *host) afterRepairs(ctx context.Context, p *process) error {
	s, err := newScene(h, "vxlan", 0)
	if err != nil {
		return err
	}
	defer s.Close()
	var steps []model.Step
	for _, k := range []model.Key{s.route(0), s.neighbour(0), s.fdb(0)} {
		steps = append(steps, model.Step{Op: model.OpDelete, Before: s.entry(k)})
	}
	steps = append(steps, changed(bridge(), mtu)(s, 0)...)
	if err := errors.Join(s.door.Do(ctx, steps)...); err != nil {
		return fmt.Errorf("break the host: %w", err)
	}
	if err := s.converged(ctx); err != nil {
		return err
	}
	if err := pause(ctx, calm); err != nil {
		return err
	}
	rss, pss, peak := memory(p.Process.Pid)
	fmt.Printf("    after repairs: RSS %s, PSS %s, most %s\n", mib(rss), mib(pss), mib(peak))
	return nil
}

// measuredOr says whether an hour was measured.
func measuredOr(period time.Duration) string {
	if period >= time.Hour {
		return "measured"
	}
	return "extrapolated"
}

// passes tells how often the host was looked at in between.
func passes(before, now counters) string {
	s := ""
	for _, kind := range []string{"file", "timer", "event", "point", "retry", "signal"} {
		if n := now.Counters.Passes[kind] - before.Counters.Passes[kind]; n > 0 {
			s += fmt.Sprintf("%d by %s, ", n, kind)
		}
	}
	return s + fmt.Sprintf("%d events, %d of them of interest", now.Counters.Events-before.Counters.Events, now.Counters.Relevant-before.Counters.Relevant)
}
