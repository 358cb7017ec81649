package lab

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

// base is where the sandbox keeps its files, on its own /run.
const base = "/run/lab"

// hostsDir has the hosts' root network namespaces.
const hostsDir = base + "/hosts"

// Host is a simulated host of a lab.
type Host struct {
	Node     string
	Root     string // the file of its root network namespace
	NetnsDir string // of its named namespaces
	RunDir   string
}

// Converge brings a host to what the topology asks: the ordinary pipeline.
type Converge func(ctx context.Context, h Host) error

// Lab is a topology that runs on this machine, inside the sandbox.
type Lab struct {
	topology *spec.Topology
	hosts    []Host
	children reaper
}

// Build makes the underlay and the hosts, and brings each to what the topology asks.
// It must run inside the sandbox.
func Build(ctx context.Context, t *spec.Topology, converge Converge) (*Lab, error) {
	return build(ctx, t, t, converge)
}

// build makes the underlay and the hosts of one topology, and brings the hosts that
// another one has to what that asks.
func build(ctx context.Context, whole, t *spec.Topology, converge Converge) (*Lab, error) {
	if err := kernel.EnterSandbox(); err != nil {
		return nil, err
	}
	fabric, err := kernel.Open(kernel.Options{NetnsDir: hostsDir})
	if err != nil {
		return nil, err
	}
	defer fabric.Close()
	steps, err := underlay(whole)
	if err != nil {
		return nil, err
	}
	for _, err := range fabric.Do(ctx, steps) {
		if err != nil {
			return nil, fmt.Errorf("lab: build the underlay: %w", err)
		}
	}
	l := &Lab{topology: t}
	for i := range whole.Nodes {
		h := hostOf(whole.Nodes[i].Name)
		if err := kernel.PrepareHost(h.NetnsDir); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", h.Node, err)
		}
		l.hosts = append(l.hosts, h)
	}
	for i := range t.Nodes {
		h := hostOf(t.Nodes[i].Name)
		if err := converge(ctx, h); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", h.Node, err)
		}
	}
	return l, nil
}

func hostOf(node string) Host {
	return Host{
		Node: node, Root: filepath.Join(hostsDir, node),
		NetnsDir: filepath.Join(base, "node", node, "netns"), RunDir: filepath.Join(base, "node", node, "run"),
	}
}

// Verify probes every pair of namespaces of the lab.
func (l *Lab) Verify(ctx context.Context) (*model.Matrix, error) {
	m := &model.Matrix{}
	for i := range l.topology.Nodes {
		node := &l.topology.Nodes[i]
		part, err := l.verify(ctx, node, hostOf(node.Name))
		if err != nil {
			return nil, err
		}
		m.Pairs = append(m.Pairs, part.Pairs...)
	}
	return m, nil
}

func (l *Lab) verify(ctx context.Context, node *spec.Node, at Host) (*model.Matrix, error) {
	h, err := kernel.Open(kernel.Options{Root: at.Root, NetnsDir: at.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return verify.Run(ctx, h, l.topology, node, verify.Options{MTU: true})
}
