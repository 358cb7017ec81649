package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func stormCommand(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("storm", flag.ContinueOnError)
	tool := set.String("tool", "netplan-overlay", "the program")
	peers := set.Int("peers", 1000, "of the topology")
	changes := set.Int("changes", 50000, "foreign route changes in each of two storms; 0: without them")
	period := set.Duration("mixed", 10*time.Second, "how long others change FDB entries, neighbours and routes; 0: not")
	rate := set.Int("rate", 10000, "of these changes, a second")
	if err := set.Parse(args); err != nil {
		return err
	}
	return storms(ctx, *tool, *peers, func(st *storm) error {
		st.changes = *changes
		if *changes > 0 {
			if err := st.blowTwice(ctx); err != nil {
				return err
			}
		}
		if *period > 0 {
			return st.blowMixed(ctx, *rate, *period)
		}
		return nil
	})
}

// storms makes a host that is watched, and lets storms pass over it.
func storms(ctx context.Context, tool string, peers int, blow func(*storm) error) (err error) {
	h, err := newHost(topology("vxlan", peers))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	p, err := h.watching(ctx, tool, "--interval", "1h")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	s, err := newScene(h, "vxlan", peers)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("vxlan, %d peers\n", peers)
	return blow(&storm{scene: s, p: p, tool: tool})
}

// blowTwice lets others change many routes, while the host drifts, too: once beside a watch
// that runs, and once beside one that is stopped meanwhile, so that more is told than fits.
func (s *storm) blowTwice(ctx context.Context) error {
	fmt.Printf("  %d foreign route changes\n", s.changes)
	if err := s.blow(ctx, "watch runs", func(f func() error) error { return f() }); err != nil {
		return err
	}
	return s.blow(ctx, "watch is stopped (SIGSTOP) until it is over", func(f func() error) error {
		if err := s.p.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		defer s.p.Process.Signal(syscall.SIGCONT)
		return f()
	})
}

type storm struct {
	*scene
	p       *process
	tool    string
	changes int
}

// blow makes one storm, and reports what it has cost until the host was right.
func (s *storm) blow(ctx context.Context, name string, around func(func() error) error) error {
	pid := s.p.Process.Pid
	asked, err := s.ask(s.tool)
	if err != nil {
		return err
	}
	if err := forgetPeak(pid); err != nil {
		return err
	}
	rss, _, _ := memory(pid)
	before, err := usageOf(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := around(func() error { return s.foreign(ctx) }); err != nil {
		return err
	}
	took := time.Since(began)
	if err := s.converged(ctx); err != nil {
		now, _ := s.ask(s.tool) // it may not answer
		return fmt.Errorf("%s: after the storm: %w\nwatch says %+v, and said last:\n%s", name, err, now, tail(s.p.log))
	}
	right := time.Since(began) - took
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	after, err := usageOf(pid)
	if err != nil {
		return err
	}
	end, _, peak := memory(pid)
	now, err := s.ask(s.tool)
	if err != nil {
		return err
	}
	fmt.Printf("  %s: the storm took %v, and the host was right at most %v after it\n", name, took.Round(time.Millisecond), right.Round(time.Millisecond))
	fmt.Printf("    CPU time of watch: %v\n", (after.cpu - before.cpu).Round(time.Millisecond))
	fmt.Printf("    memory: RSS %s before, %s at most, %s after it\n", mib(rss), mib(peak), mib(end))
	fmt.Printf("    looks: %s, %d overruns\n", passes(asked, now), now.Counters.Overruns-asked.Counters.Overruns)
	if now.State != "in-sync" {
		return fmt.Errorf("%s: watch says that the host is %s", name, now.State)
	}
	return nil
}

// foreign changes routes that are not ours, half of the changes taking away what the
// other half has added, and breaks something of ours now and then.
func (s *storm) foreign(ctx context.Context) error {
	const parts = 10
	for part := range parts {
		var b strings.Builder
		for _, verb := range []string{"add", "del"} {
			for i := range s.changes / parts / 2 {
				n := part*s.changes/parts/2 + i
				fmt.Fprintf(&b, "route %s blackhole %d.%d.%d.0/24\n", verb, 60+n>>16, n>>8&255, n&255)
			}
		}
		path := s.dir + "/batch"
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			return err
		}
		cmd := s.command("ip", "-batch", path)
		if err := cmd.Start(); err != nil {
			return err
		}
		err := s.drift(ctx, part)
		if werr := cmd.Wait(); werr != nil {
			return fmt.Errorf("ip -batch: %w", werr)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drift breaks objects of some peers, and a link.
func (s *storm) drift(ctx context.Context, part int) error {
	var steps []model.Step
	for i := range 5 {
		for _, k := range []model.Key{s.route(part*5 + i), s.neighbour(part*5 + i), s.fdb(part*5 + i)} {
			steps = append(steps, model.Step{Op: model.OpDelete, Before: s.entry(k)})
		}
	}
	if part == 0 { // what is broken 5 times in a minute is left alone
		steps = append(steps, changed(veth(), mtu)(s.scene, 0)...)
	}
	for _, err := range s.door.Do(ctx, steps) {
		if err != nil {
			return fmt.Errorf("break the host: %w", err)
		}
	}
	return nil
}
