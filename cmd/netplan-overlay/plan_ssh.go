package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/remote"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/review"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// sshFlags are those of plans for hosts that are asked by ssh.
type sshFlags struct {
	hosts    []string
	all      bool
	template string
	command  string
	parallel int
	timeout  time.Duration
}

func (f *sshFlags) flags(cmd *cobra.Command) {
	l := cmd.Flags()
	l.StringArrayVar(&f.hosts, "ssh", nil, "don't look at this host, but at [USER@]HOST by ssh, or NODE=[USER@]HOST; repeatable")
	l.BoolVar(&f.all, "all-nodes", false, "look at the host of every node by ssh")
	l.StringVar(&f.template, "ssh-template", "{node}", "of --all-nodes: what a host is called, with {node} and {address}")
	l.StringVar(&f.command, "ssh-command", "sudo -n netplan-overlay", "how the program is started there")
	l.IntVar(&f.parallel, "ssh-parallel", 16, "how many hosts are looked at at a time")
	l.DurationVar(&f.timeout, "ssh-timeout", 30*time.Second, "how long a host may take")
}

// sshTarget is a host to be asked, and the node that it is, if that is known.
type sshTarget struct{ node, host string }

// planBySSH fetches snapshots of hosts, prints plans from them, and tells at the end what
// became of each.
func (c *common) planBySSH(ctx context.Context, f sshFlags, o elsewhereOptions) error {
	t, err := c.loadElsewhere(o)
	if err != nil {
		return err
	}
	targets, err := f.targets(t, c.node)
	if err != nil {
		return err
	}
	s := review.Sightings{Topology: t, Seen: true, MaxAge: f.timeout + time.Hour, All: f.fetch(ctx, t, targets)}
	plans := c.planSightings(ctx, s, o)
	err = c.showAll(plans, o)
	c.ui.tell("%s", outcomes(plans, s.All))
	return err
}

// targets returns the hosts to be asked: those that are named, or one for each node.
func (f *sshFlags) targets(t *spec.Topology, only string) ([]sshTarget, error) {
	var l []sshTarget
	for _, h := range f.hosts {
		node, host, ok := strings.Cut(h, "=")
		switch {
		case !ok && only != "" && len(f.hosts) == 1:
			node, host = only, h
		case !ok: // a host that is called as a node is taken for that
			node, host = nodeCalled(t, h[strings.LastIndex(h, "@")+1:]), h
		case nodeCalled(t, node) == "":
			return nil, fmt.Errorf("--ssh %s: topology %s has no node %q", h, t.Name, node)
		}
		l = append(l, sshTarget{node, host})
	}
	for i := range t.Nodes {
		if n := &t.Nodes[i]; f.all && (only == "" || n.Name == only) {
			l = append(l, sshTarget{n.Name, f.hostOf(n)})
		}
	}
	for _, x := range l {
		if err := remote.CheckHost(x.host); err != nil {
			return nil, err
		}
	}
	if len(l) == 0 {
		return nil, fmt.Errorf("topology %s has no node %q", t.Name, only)
	}
	return l, nil
}

// hostOf returns what ssh calls the host of a node.
func (f *sshFlags) hostOf(n *spec.Node) string {
	address := ""
	if len(n.Addresses) > 0 {
		address = n.Addresses[0].String()
	}
	return strings.NewReplacer("{node}", n.Name, "{address}", address).Replace(f.template)
}

// nodeCalled returns the name, if a node has it.
func nodeCalled(t *spec.Topology, name string) string {
	if slices.ContainsFunc(t.Nodes, func(n spec.Node) bool { return n.Name == name }) {
		return name
	}
	return ""
}

// fetch asks the hosts for their snapshots.
func (f *sshFlags) fetch(ctx context.Context, t *spec.Topology, targets []sshTarget) []review.Sighting {
	ssh := remote.SSH{Command: f.command, Timeout: f.timeout, Parallel: f.parallel, Most: snapshot.MaxSize + 1}
	var requests []remote.Request
	for _, x := range targets {
		args := []string{"observe", "--out", "-", "--topology-name", t.Name}
		if x.node != "" {
			args = append(args, "--node", x.node)
		}
		requests = append(requests, remote.Request{Host: x.host, Args: args})
	}
	var l []review.Sighting
	for i, a := range ssh.Ask(ctx, requests) {
		s := review.Sighting{From: targets[i].host, Node: targets[i].node, Err: a.Err}
		if a.Err == nil {
			s.Snapshot, s.Err = snapshot.Parse(bytes.NewReader(a.Out))
		}
		if a.Err == nil && s.Err != nil {
			s.Err = fmt.Errorf("what %s answered: %w", s.From, s.Err)
		}
		l = append(l, s)
	}
	return l
}

// outcomes is a table of what became of each host.
func outcomes(plans []render.NodePlan, all []review.Sighting) string {
	hosts := map[string]string{}
	for _, x := range all {
		hosts[x.Node] = x.From
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tHOST\tRESULT")
	for _, n := range plans {
		fmt.Fprintf(w, "%s\t%s\t%s\n", n.Header.Node, hosts[n.Header.Node], outcome(n))
	}
	_ = w.Flush() // into a string
	return strings.TrimSuffix(b.String(), "\n")
}

func outcome(n render.NodePlan) string {
	if n.Err != nil {
		return "error"
	}
	s := n.Plan.Summary()
	switch {
	case len(n.Plan.Conflicts)+len(n.Plan.Missing) > 0:
		return "blocked"
	case n.Plan.Empty():
		return "no changes"
	}
	text := fmt.Sprintf("%d to add, %d to change, %d to destroy", s.Add, s.Change, s.Destroy)
	if s.Replace > 0 {
		text += fmt.Sprintf(", %d to replace", s.Replace)
	}
	if s.Adopt > 0 {
		text += fmt.Sprintf(", %d to adopt", s.Adopt)
	}
	return text + "; impact: " + s.Impact.String()
}
