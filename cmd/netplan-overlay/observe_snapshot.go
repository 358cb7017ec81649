package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
)

// snapshotFlags are those of observe that write a snapshot.
type snapshotFlags struct {
	out      string
	topology string
	redact   bool
	seed     string
}

func (f *snapshotFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.out, "out", "", "write a snapshot of all that the host has into this file, - for stdout; plan --observed reads it elsewhere")
	cmd.Flags().StringVar(&f.topology, "topology-name", "", "of a snapshot: for which topology it is, without a file (default: that of the marks on the host)")
	cmd.Flags().BoolVar(&f.redact, "redact", false, "of a snapshot: put other names, addresses and MACs in the place of each, so that it can be shown to others")
	cmd.Flags().StringVar(&f.seed, "redact-seed", "", "a secret from which those are made, the same in each snapshot (default: a random one)")
}

// given says whether a snapshot is asked for.
func (f *snapshotFlags) given() bool {
	return f.out != "" || f.topology != "" || f.redact || f.seed != ""
}

// snapshot records the host.
func (c *common) snapshot(ctx context.Context, f snapshotFlags) error {
	switch {
	case f.out == "":
		return errors.New("--topology-name and --redact are of a snapshot: name a file for it with --out, or - for stdout")
	case f.seed != "" && !f.redact:
		return errors.New("--redact-seed goes with --redact")
	}
	id, err := c.recordAs(ctx, f.topology)
	if err != nil {
		return err
	}
	if err := c.filesRead(); err != nil {
		return err
	}
	h, err := c.place().Look(id)
	if err != nil {
		return err
	}
	defer h.Close()
	name, _ := os.Hostname() // without one, addresses and marks have to do
	s, err := snapshot.Record(ctx, h, snapshot.About{
		Identity: id, Hostname: name, Tool: version(), Sessions: c.managed(), Applied: c.place().Applied(id),
	})
	if err != nil {
		return err
	}
	if s.Node == "" {
		s.Node = c.node
	}
	if f.redact {
		if s, err = s.Redact(f.secret()); err != nil {
			return err
		}
	}
	if f.out == "-" {
		return s.Write(c.ui.out)
	}
	return s.Save(f.out)
}

// secret is what redaction starts from.
func (f *snapshotFlags) secret() []byte {
	if f.seed != "" {
		return []byte(f.seed)
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// recordAs finds out for which node the host is: of the topology that was given, or by
// the marks on it. A host without marks is nobody's, unless both are named.
func (c *common) recordAs(ctx context.Context, topology string) (model.Identity, error) {
	if len(c.files) > 0 {
		t, err := c.load()
		if err != nil {
			return model.Identity{}, err
		}
		r, err := reconcile.New(ctx, t, c.node, c.place())
		if err != nil {
			return model.Identity{}, err
		}
		defer r.Close()
		return r.Identity(), nil
	}
	if topology != "" && c.node != "" {
		return model.Identity{Topology: topology, Node: c.node}, nil
	}
	h, err := c.place().Look(model.Identity{})
	if err != nil {
		return model.Identity{}, err
	}
	defer h.Close()
	marks, err := observe.Marks(ctx, h)
	if err != nil {
		return model.Identity{}, err
	}
	marks = slices.DeleteFunc(marks, func(id model.Identity) bool {
		return id.Topology != cmp.Or(topology, id.Topology) || id.Node != cmp.Or(c.node, id.Node)
	})
	if len(marks) != 1 {
		return model.Identity{}, nil
	}
	return marks[0], nil
}
