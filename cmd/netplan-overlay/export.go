package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/export"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// exportedName is what a topology is called that nobody has named.
const exportedName = "exported"

func newExport(c *common) *cobra.Command {
	o := export.Options{Peers: map[netip.Addr]string{}}
	var peers, observed []string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print the topology file that describes this host as it is",
		Long: `Reads what is on this host, whoever made it (ip and bridge commands, flannel, this
program), and prints the shortest topology file that describes it: its overlay device
or plain routes, its bridges, the named network namespaces on them, and its peers, as
far as routes, neighbours and FDB entries tell of them. Nothing is changed.

"plan --adopt" with that file shows adoption only, "apply --adopt" takes the host over
without touching a packet, and "plan" is empty after that. What would have to change
nevertheless is told on stderr, as is what the file cannot say and was left out. What
no host tells, such as the names of peers, is assumed; comments in the file say so.

  netplan-overlay export --name office --node vm1 --peer 192.168.32.246=vm2 >topology.yaml
  netplan-overlay plan --adopt -f topology.yaml --node vm1

With --observed, the hosts of snapshots are described in one file. What a host tells of
itself goes before what others know of it, so that with a snapshot of each host nothing
is assumed.

  netplan-overlay observe --out snapshots/vm1.json       on each host
  netplan-overlay export --observed snapshots/ --name office >topology.yaml

Exit codes: 0 done, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Peers, err = parsePeers(peers); err != nil {
				return err
			}
			var r *export.Result
			if len(observed) > 0 {
				r, err = c.exportObserved(cmd.Context(), observed, o)
			} else {
				r, err = c.export(cmd.Context(), o)
			}
			if err != nil {
				return err
			}
			return c.printExport(r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Name, "name", "", "the topology's name (default: that of the mark on this host, or "+exportedName+")")
	flags.StringArrayVar(&peers, "peer", nil, "ADDRESS=NAME: the name of the peer, or with --observed of the host, with that underlay address; repeatable")
	flags.StringArrayVar(&observed, "observed", nil, "don't look at this host: describe those of the snapshots, files of observe --out or a directory of such; repeatable")
	flags.StringArrayVar(&o.Bridges, "bridge", nil, "take this bridge and no other that isn't named so; repeatable (default: those with an address that named namespaces are on)")
	return cmd
}

func parsePeers(l []string) (map[netip.Addr]string, error) {
	m := map[netip.Addr]string{}
	for _, s := range l {
		address, name, ok := strings.Cut(s, "=")
		a, err := netip.ParseAddr(address)
		if !ok || err != nil {
			return nil, fmt.Errorf("--peer %q: it is ADDRESS=NAME, such as 192.168.32.246=vm2", s)
		}
		if _, twice := m[a]; twice {
			return nil, fmt.Errorf("--peer %q: %s has a name already", s, a)
		}
		m[a] = name
	}
	return m, nil
}

// export describes this host.
func (c *common) export(ctx context.Context, o export.Options) (*export.Result, error) {
	id, err := c.exportAs(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	o.Name = id.Topology
	h, err := c.place().Look(id)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	state, err := observe.Everything(ctx, h, id)
	if err != nil {
		return nil, err
	}
	return export.Export([]export.Host{{Node: id.Node, State: state}}, o)
}

// exportAs finds out which topology and node this host is described as: by the flags,
// else by the mark on it, else by its name.
func (c *common) exportAs(ctx context.Context, name string) (model.Identity, error) {
	h, err := c.place().Look(model.Identity{})
	if err != nil {
		return model.Identity{}, err
	}
	defer h.Close()
	marks, err := observe.Marks(ctx, h)
	if err != nil {
		return model.Identity{}, err
	}
	var marked model.Identity
	if len(marks) == 1 {
		marked = marks[0]
	}
	hostname, _ := os.Hostname()
	return model.Identity{
		Topology: cmp.Or(name, marked.Topology, exportedName),
		Node:     cmp.Or(c.node, marked.Node, shortName(hostname)),
	}, nil
}

// shortName is what a node is called by a hostname: its first part.
func shortName(hostname string) string {
	name, _, _ := strings.Cut(hostname, ".")
	return cmp.Or(name, "host")
}

func (c *common) printExport(r *export.Result) error {
	for _, l := range r.Left {
		c.ui.tell("Left out: %s", l)
	}
	for _, l := range r.Assumed {
		c.ui.tell("Assumed: %s", l)
	}
	for _, l := range r.Remains {
		c.ui.warn("beside adoption, apply would have to change what is there: %s", l)
	}
	_, err := c.ui.out.Write(r.File)
	return err
}
