package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// measure measures everything, and writes what there is after each part.
func measure(ctx context.Context, o options) (err error) {
	sweep(dead)
	defer sweep(own)
	r := &results{Machine: thisMachine(o.bin)}
	for _, p := range parts(o) {
		if !strings.Contains(p.name, o.only) {
			continue
		}
		for i, n := range p.sizes {
			fmt.Fprintf(os.Stderr, "%s, %d\n", p.name, n)
			err := p.measure(ctx, o, r, n, p.runs[i])
			var cannot *cannotError
			if errors.As(err, &cannot) {
				r.leave("%v", err)
				break
			}
			if err != nil {
				return fmt.Errorf("%s, %d: %w", p.name, n, err)
			}
			if err := r.write(o.out); err != nil {
				return err
			}
		}
	}
	return r.write(o.out)
}

// budget is how long the runs of a part take, so that all of them take no more than 20
// minutes: what is slow is measured less often, but once at least.
const budget = 100 * time.Second

func late(began time.Time, runs int) bool { return runs > 0 && time.Since(began) > budget }

// cannotError says that the machine cannot do something, so that it is left out.
type cannotError struct{ why string }

// Error says why.
func (e *cannotError) Error() string { return e.why }

// part is something to be measured at several sizes.
type part struct {
	name    string
	sizes   []int
	runs    []int // for each size
	measure func(ctx context.Context, o options, r *results, n, runs int) error
}

// parts are all of them.
func parts(o options) []part {
	sizes, runs := []int{1000, 5000, 10_000, 50_000}, []int{7, 5, 5, 3}
	large := []int{1000, 10_000}
	crowds := []int{100, 1000}
	if o.quick {
		sizes, runs, large, crowds = sizes[:1], []int{3}, large[:1], crowds[:1]
	}
	if o.sizes != nil {
		for len(runs) < len(o.sizes) {
			runs = append(runs, 3)
		}
		sizes = o.sizes
	}
	backend := func(name string) func(context.Context, options, *results, int, int) error {
		return func(ctx context.Context, o options, r *results, n, runs int) error {
			return measureOverlay(ctx, o, r, name, n, runs)
		}
	}
	return []part{
		{"vxlan", sizes, runs, backend("vxlan")},
		{"host-gw", sizes, runs, backend("host-gw")},
		{"ipip", sizes, runs, func(ctx context.Context, o options, r *results, n, runs int) error {
			if err := tryIPIP(); err != nil {
				return err
			}
			return measureOverlay(ctx, o, r, "ipip", n, runs)
		}},
		{"foreign", large, slices.Repeat(runs[:1], len(large)), measureForeign},
		{"namespaces", crowds, slices.Repeat([]int{min(runs[0], 3)}, len(crowds)), measureCrowd},
	}
}

// tryIPIP asks whether the kernel has such devices.
func tryIPIP() (err error) {
	netns := fmt.Sprintf("bench-%d-ipip", os.Getpid())
	if err := run("ip", "netns", "add", netns); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run("ip", "netns", "delete", netns)) }()
	if run("ip", "-n", netns, "link", "add", "try", "type", "ipip", "local", "10.0.0.1", "remote", "any") != nil {
		return &cannotError{"ipip: this machine's kernel has no such devices"}
	}
	return nil
}
