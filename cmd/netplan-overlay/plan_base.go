package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/remote"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/review"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// planBase makes the plans that lead from the base to the topology.
func (c *common) planBase(ctx context.Context, base []string, o elsewhereOptions) ([]render.NodePlan, error) {
	v, err := c.versions(ctx, base, o.empty)
	if err != nil {
		return nil, err
	}
	v.Options = o.diff
	return c.between(v)
}

// versions reads the base and the topology.
func (c *common) versions(ctx context.Context, base []string, empty bool) (review.Versions, error) {
	v := review.Versions{Node: c.node}
	sources, err := c.baseSources(ctx, base)
	if err != nil {
		return v, err
	}
	load := spec.Load
	if empty {
		load = spec.LoadEmpty
	}
	if v.To, err = c.loadBy(load); err != nil {
		return v, err
	}
	v.Basis = strings.Join(base, " ")
	v.From, err = c.parseBase(sources, v.Basis, v.To)
	return v, err
}

// between makes the plans that lead from one version to the other.
func (c *common) between(v review.Versions) ([]render.NodePlan, error) {
	basis := v.Basis
	v.Basis += ", with assumed facts"
	d, err := review.Between(v)
	if err != nil {
		return nil, err
	}
	c.tellDifferences(d, basis)
	return d.Plans, nil
}

// tellDifferences tells what the plans alone don't say.
func (c *common) tellDifferences(d *review.Differences, basis string) {
	c.ui.tell("Note: no host was looked at: these are the changes for hosts that are as %s says, with an underlay, a kernel and parameters as they are assumed to be", basis)
	for _, w := range d.Warnings {
		c.ui.warn("%s", w)
	}
	if n := len(d.Removed); n > 0 {
		c.ui.tell("Note: the topology has %s no more: what they had stays there until destroy, or apply --allow-empty, is run on them, with --node", someOf(d.Removed))
	}
	if n := len(d.LeftOut); n > 0 {
		c.ui.warn("%d of %d nodes are left out, as their plans would take long: %s; ask for one with --node", n, n+len(d.Plans), someOf(d.LeftOut))
	}
}

// someOf names the first few of a list.
func someOf(l []string) string {
	const most = 10
	if len(l) > most {
		return strings.Join(l[:most], ", ") + fmt.Sprintf(" and %d more", len(l)-most)
	}
	return strings.Join(l, ", ")
}

// parseBase reads the base. Where a revision has none of its files, it had no nodes.
func (c *common) parseBase(sources []spec.Source, basis string, to *spec.Topology) (*spec.Topology, error) {
	if len(sources) == 0 {
		c.ui.warn("there is no topology in %s: every node is new", basis)
		return &spec.Topology{Name: to.Name, Backend: to.Backend, MTU: to.MTU}, nil
	}
	from, problems := spec.ParseEmpty(sources)
	for _, p := range problems {
		if !p.Warning {
			fmt.Fprintln(c.ui.err, p)
		}
	}
	if err := spec.Failed(problems); err != nil {
		return nil, fmt.Errorf("the base %s: %w", basis, err)
	}
	return from, nil
}

// baseSources reads the base's files; none where a revision doesn't have them.
func (c *common) baseSources(ctx context.Context, base []string) ([]spec.Source, error) {
	var l []spec.Source
	for _, b := range base {
		var some []spec.Source
		var err error
		switch rest, ok := strings.CutPrefix(b, "git:"); {
		case ok:
			some, err = c.gitSources(ctx, rest)
		case b == "-" && slices.Contains(c.files, "-"):
			err = errors.New("both -f and --base are -: only one of them can come from stdin")
		default:
			some, err = spec.ReadFiles([]string{b}, c.ui.in)
		}
		if err != nil {
			return nil, fmt.Errorf("read the base %s: %w", b, err)
		}
		l = append(l, some...)
	}
	return l, nil
}

// gitSources reads REV:PATH from the repository that the working directory is in, or, for
// REV alone, the topology's files as they were, each from the repository that it is in.
func (c *common) gitSources(ctx context.Context, rest string) ([]spec.Source, error) {
	rev, path, ok := strings.Cut(rest, ":")
	if ok {
		return c.gitFiles(ctx, &remote.Git{Rev: rev}, path)
	}
	paths, err := c.paths()
	if err != nil {
		return nil, err
	}
	var l []spec.Source
	for _, p := range paths {
		if p == "-" {
			return nil, errors.New("-f - has no earlier version; name the file: git:REV:PATH")
		}
		dir, name := remote.Beside(p)
		some, err := c.gitFiles(ctx, &remote.Git{Rev: rev, Dir: dir}, name)
		if err != nil {
			return nil, err
		}
		l = append(l, some...)
	}
	return l, nil
}

// gitFiles reads a path of a revision; nothing, with a warning, where it isn't there.
func (c *common) gitFiles(ctx context.Context, g *remote.Git, path string) ([]spec.Source, error) {
	if err := g.Open(ctx); err != nil {
		return nil, err
	}
	l, err := g.Read(ctx, path)
	var absent *remote.AbsentError
	if errors.As(err, &absent) {
		c.ui.warn("%v", err)
		return nil, nil
	}
	return l, err
}
