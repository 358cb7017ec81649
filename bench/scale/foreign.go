package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// How much of others' a host has.
const (
	foreignRoutes     = 1_000_000
	foreignNeighbours = 10_000
	foreignLinks      = 2_000
)

// load is what others have on a host.
type load struct {
	name string
	make func(context.Context, *host) error
}

func loads() []load {
	return []load{
		{"none", func(context.Context, *host) error { return nil }},
		{"1,000,000 routes", routesOfOthers},
		{"10,000 neighbours", neighboursOfOthers},
		{"2,000 links", linksOfOthers},
		{"all of these", func(ctx context.Context, h *host) error {
			return errors.Join(linksOfOthers(ctx, h), neighboursOfOthers(ctx, h), routesOfOthers(ctx, h))
		}},
	}
}

func routesOfOthers(ctx context.Context, h *host) error {
	_, _, err := h.inside(ctx, "bench-floor", "foreign", strconv.Itoa(foreignRoutes))
	return err
}

func neighboursOfOthers(ctx context.Context, h *host) error {
	var b strings.Builder
	for i := range foreignNeighbours {
		fmt.Fprintf(&b, "neighbour add 10.200.%d.%d lladdr 02:aa:00:00:%02x:%02x dev eth0 nud permanent\n", i/250, i%250+1, i>>8, i&255)
	}
	return h.batch(ctx, b.String())
}

// linksOfOthers are ends of veths, as hosts of many containers have them.
func linksOfOthers(ctx context.Context, h *host) error {
	var b strings.Builder
	for i := range foreignLinks / 2 {
		fmt.Fprintf(&b, "link add other%da type veth peer name other%[1]db\n", i)
	}
	return h.batch(ctx, b.String())
}

// batch lets ip do something within the host.
func (h *host) batch(ctx context.Context, text string) error {
	path, err := h.write("others", text)
	if err != nil {
		return err
	}
	_, _, err = h.timed(ctx, "ip", "-batch", path)
	return err
}

// measureForeign measures an empty plan on hosts that others use, too, one run on each
// after the other.
func measureForeign(ctx context.Context, o options, r *results, peers, runs int) (err error) {
	var hosts []crowded
	for _, l := range loads() {
		h, err := newHost(o.bin)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, h.Close()) }()
		file, err := h.write("topology.yaml", topology("vxlan", peers+1, 0))
		if err != nil {
			return err
		}
		if err := l.make(ctx, h); err != nil {
			return err
		}
		if _, _, err := h.program(ctx, file, "apply", "--auto-approve"); err != nil {
			return err
		}
		dev, err := h.device(ctx, "vxlan")
		if err != nil {
			return err
		}
		hosts = append(hosts, crowded{h, l.name, file, dev.name})
	}
	for began, i := time.Now(), 0; i < 2*runs+1 && !late(began, i); i++ {
		for _, p := range hosts {
			if err := p.measure(ctx, r, peers); err != nil {
				return err
			}
		}
	}
	for began, i := time.Now(), 0; i < (runs+1)/2 && !late(began, i); i++ {
		for _, p := range hosts {
			if err := p.anew(ctx, r, peers); err != nil {
				return err
			}
		}
	}
	r.tell("foreign", peers)
	return nil
}

// crowded is a host that others use, too.
type crowded struct {
	*host
	load, file, device string
}

// Ways in which a load is measured, beside the plan.
const (
	kernelWay = ", kernel part"
	dumpsWay  = ", bare dumps"
	awayWay   = ", destroy"
	anewWay   = ", apply from nothing"
)

// measure measures a plan, the part of it that looks at the kernel, and the same dumps by the
// floor.
func (p crowded) measure(ctx context.Context, r *results, peers int) error {
	x, out, err := p.program(ctx, p.file, "plan")
	if err != nil {
		return err
	}
	if !strings.Contains(out, "No changes") {
		return fmt.Errorf("%s: the plan is not empty: %s", p.load, end(out))
	}
	r.add("foreign", peers, p.load, x)
	parts, err := p.rooms(ctx, p.file)
	if err != nil {
		return err
	}
	r.add("foreign", peers, p.load+kernelWay, sample{Time: parts["facts"] + parts["observe"] + parts["diff"]})
	x, _, err = p.inside(ctx, "bench-floor", "look", p.device)
	r.add("foreign", peers, p.load+dumpsWay, x)
	return err
}

// anew measures how all is removed, and made again.
func (p crowded) anew(ctx context.Context, r *results, peers int) error {
	for _, c := range []struct{ way, command string }{{awayWay, "destroy"}, {anewWay, "apply"}} {
		x, _, err := p.program(ctx, p.file, c.command, "--auto-approve")
		if err != nil {
			return fmt.Errorf("%s: %s: %w", p.load, c.command, err)
		}
		r.add("foreign", peers, p.load+c.way, x)
	}
	return nil
}
