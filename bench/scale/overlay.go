package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// overlay is a host of a large fleet.
type overlay struct {
	*host
	results     *results
	backend     string
	peers       int
	file, moved string // the topology, and one in which a peer has another address
	spread      *objects
	plain       *objects // without metrics; nil where that would take too long

}

// plainMost is how many plain routes over one device are measured: they take N² in the
// kernel, all being in one chain of its table of next hops (fib_info_laddrhash,
// net/ipv4/fib_semantics.c).
const plainMost = 10_000

// measureOverlay measures a backend at a number of peers.
func measureOverlay(ctx context.Context, o options, r *results, backend string, peers, runs int) (err error) {
	h, err := newHost(o.bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	s := &overlay{host: h, results: r, backend: backend, peers: peers}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for began, i := time.Now(), 0; i < runs && !late(began, i); i++ {
		for _, way := range []func(context.Context) error{s.floors, s.batches, s.calls, s.ours} {
			if err := way(ctx); err != nil {
				return err
			}
		}
	}
	if !o.quick && backend != "ipip" {
		err = s.others(ctx, min(runs, 3))
	}
	r.tell(backend, peers)
	return err
}

// prepare writes the files, and lets the program say what is to be made.
func (s *overlay) prepare(ctx context.Context) error {
	var errs [2]error
	s.file, errs[0] = s.write("topology.yaml", topology(s.backend, s.peers+1, 0))
	s.moved, errs[1] = s.write("moved.yaml", topology(s.backend, s.peers+1, s.peers/2))
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if _, _, err := s.program(ctx, s.file, "apply", "--auto-approve"); err != nil {
		return err
	}
	var err error
	if s.spread, err = s.harvest(ctx, s.backend, s.peers, false); err != nil {
		return err
	}
	if s.peers <= plainMost {
		if s.plain, err = s.harvest(ctx, s.backend, s.peers, true); err != nil {
			return err
		}
	}
	if err := s.counted(ctx); err != nil {
		return err
	}
	_, _, err = s.program(ctx, s.file, "destroy", "--auto-approve")
	return err
}

func (s *overlay) add(way string, x sample) { s.results.add(s.backend, s.peers, way, x) }

// counted counts what the program writes for one changed peer, there and back.
func (s *overlay) counted(ctx context.Context) error {
	for _, file := range []string{s.moved, s.file} {
		x, err := s.rooms(ctx, file, "-apply")
		if err != nil {
			return err
		}
		s.add(writesWay, sample{Time: x["writes"]})
	}
	return nil
}

// each lets one of the others make the objects, and removes them again.
func (s *overlay) each(ctx context.Context, o *objects, f func() error) error {
	if o == nil {
		return nil
	}
	if err := errors.Join(s.bare(o.device), f()); err != nil {
		return err
	}
	if o.device.name != "" {
		return s.ip("link delete " + o.device.name)
	}
	_, _, err := s.inside(ctx, "bench-floor", "delete", o.floor)
	return err
}

func (s *overlay) floors(ctx context.Context) error {
	write := func(o *objects, name string) error {
		return s.each(ctx, o, func() error {
			x, n, err := s.inside(ctx, "bench-floor", "write", o.floor)
			if err == nil && n != o.n {
				err = fmt.Errorf("the floor has made %d objects of %d", n, o.n)
			}
			s.add(name, x)
			return err
		})
	}
	return errors.Join(write(s.spread, "floor"), write(s.plain, "floor, no metrics"))
}

func (s *overlay) batches(ctx context.Context) error {
	batch := func(o *objects, name string) error {
		return s.each(ctx, o, func() error {
			script := "ip -batch " + o.ip
			if o.bridge != "" {
				script = "bridge -batch " + o.bridge + " && " + script
			}
			x, _, err := s.timed(ctx, "sh", "-c", script)
			s.add(name, x)
			return err
		})
	}
	return errors.Join(batch(s.spread, "ip -batch"), batch(s.plain, "ip -batch, no metrics"))
}

func (s *overlay) calls(ctx context.Context) error {
	return s.each(ctx, s.spread, func() error {
		x, _, err := s.timed(ctx, filepath.Join(s.bin, "bench-library"), "objects", s.spread.floor)
		s.add("library", x)
		return err
	})
}

// ours measures the program, from nothing to nothing.
func (s *overlay) ours(ctx context.Context) error {
	took, err := s.rooms(ctx, s.file, "-apply")
	if err != nil {
		return err
	}
	s.add("room write", sample{Time: took["write"]})
	if _, _, err := s.program(ctx, s.file, "destroy", "--auto-approve"); err != nil {
		return err
	}
	for _, c := range []struct{ way, file, command string }{
		{"apply", s.file, "apply --auto-approve"},
		{"plan", s.file, "plan"},
		{"apply, nothing to do", s.file, "apply --auto-approve"},
		{"plan", s.file, "plan"},
		{"plan, one changed", s.moved, "plan"},
		{"apply, one changed", s.moved, "apply --auto-approve"},
		{"", s.file, "apply --auto-approve"},
	} {
		x, out, err := s.program(ctx, c.file, strings.Fields(c.command)...)
		if err != nil {
			return err
		}
		if c.way == "plan" && !strings.Contains(out, "No changes") {
			return fmt.Errorf("the plan is not empty: %s", end(out))
		}
		if c.way != "" {
			s.add(c.way, x)
		}
		if c.way == "plan" {
			if err := s.parts(ctx); err != nil {
				return err
			}
		}
	}
	x, _, err := s.program(ctx, s.file, "destroy", "--auto-approve")
	s.add("destroy", x)
	return err
}

// parts measures what a plan consists of, and the floors of these parts.
func (s *overlay) parts(ctx context.Context) error {
	dev := s.spread.device.name
	if s.backend != "vxlan" {
		dev = "-"
	}
	x, n, err := s.inside(ctx, "bench-floor", "dump", dev)
	if err != nil {
		return err
	}
	if n < s.spread.n {
		return fmt.Errorf("the floor has read %d objects of %d", n, s.spread.n)
	}
	s.add("dump", x)
	if x, _, err = s.inside(ctx, "bench-library", "yaml", s.file); err != nil {
		return err
	}
	s.add("yaml", x)
	parts, err := s.rooms(ctx, s.file)
	if err != nil {
		return err
	}
	for name, took := range parts {
		s.add("room "+name, sample{Time: took})
	}
	return nil
}
