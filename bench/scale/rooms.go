package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/garbage"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// rooms measures the parts of a plan, in a process of its own, which is as cold as the
// program is.
func (h *host) rooms(ctx context.Context, file string, flags ...string) (map[string]time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{self, "rooms", "-netns-dir", h.inner(), "-run-dir", h.runDir()}, flags...)
	_, out, err := h.timed(ctx, append(args, file)...)
	if err != nil {
		return nil, err
	}
	var m map[string]time.Duration
	return m, json.Unmarshal([]byte(out), &m)
}

// roomsCommand goes through the rooms as a plan does, one after the other, and prints
// what each has taken; with -apply, how many requests an apply has written, and how long it
// was from the first step that was done to the last one.
func roomsCommand(ctx context.Context, args []string) error {
	garbage.CollectLate() // as the program does
	var place reconcile.Place
	set := flag.NewFlagSet("rooms", flag.ContinueOnError)
	set.StringVar(&place.NetnsDir, "netns-dir", "", "where named namespaces are")
	set.StringVar(&place.RunDir, "run-dir", "", "where the program's files are")
	apply := set.Bool("apply", false, "apply, and count the writes")
	if err := set.Parse(args); err != nil {
		return err
	}
	took := map[string]time.Duration{}
	place.OnWrite = func() error { took["writes"]++; return nil }
	var first time.Time // step done
	place.Trace = func(model.Step, error) {
		if first.IsZero() {
			first = time.Now()
		}
		took["write"] = time.Since(first)
	}
	began := time.Now()
	t, problems, err := spec.Load(set.Args(), nil)
	if err != nil || t == nil {
		return fmt.Errorf("%v: %v, %w", set.Args(), problems, err)
	}
	took["load"] = time.Since(began)
	r, err := reconcile.New(ctx, t, node, place)
	if err != nil {
		return err
	}
	defer r.Close()
	if *apply {
		_, err = r.Apply(ctx, reconcile.ApplyOptions{})
	} else {
		err = walk(ctx, r, took)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(took)
}

// walk notes how long each room takes for a plan.
func walk(ctx context.Context, r *reconcile.Reconciler, took map[string]time.Duration) error {
	began := time.Now()
	next := func(name string) { took[name], began = time.Since(began), time.Now() }
	peers := desired.Peers(r.Topology, r.Node)
	glance := r.Host.Glance()
	facts, err := observe.Facts(ctx, glance, observe.Query{Addresses: r.Node.Addresses, Interface: r.Node.Interface, Peers: peers})
	if err != nil {
		return err
	}
	next("facts")
	x, err := desired.Expand(r.Topology, r.Node, facts)
	if err != nil {
		return err
	}
	next("expand")
	state, err := observe.State(ctx, glance, observe.Scope{Identity: r.Identity(), Wanted: x.State})
	if err != nil {
		return err
	}
	next("observe")
	p := diff.Compute(x.State, state, diff.Options{LiveRename: r.Host.Features().LiveRename})
	if !p.Empty() {
		return fmt.Errorf("the plan is not empty: %d steps", len(p.Steps))
	}
	next("diff")
	return nil
}
