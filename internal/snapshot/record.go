package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// maxLooks is how often a host is looked at again of which something went meanwhile.
const maxLooks = 5

// About is what a snapshot says beside what the host has.
type About struct {
	Identity model.Identity // for whom the host was opened; zero: nobody
	Hostname string
	Tool     string          // the version of the program
	Sessions []model.Session // by which the host is managed
	Applied  []byte          // the note of the topology that was applied last
}

// Record looks at the whole host.
func Record(ctx context.Context, h *kernel.Host, a About) (*Snapshot, error) {
	for look := 1; ; look++ {
		s := &Snapshot{
			FormatVersion: FormatVersion, Kind: Kind, Tool: a.Tool, Hostname: a.Hostname, Time: time.Now().UTC(),
			Topology: a.Identity.Topology, Node: a.Identity.Node, Features: h.Features(), Applied: string(a.Applied),
		}
		err := (&recorder{host: h, about: a, s: s}).all(ctx)
		if err == nil {
			return s, nil
		}
		// What comes and goes meanwhile, as the namespaces of containers do, is looked at again.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENODEV) || look == maxLooks || ctx.Err() != nil {
			return nil, fmt.Errorf("record what the host has: %w", err)
		}
	}
}

// maxForeign is of how many namespaces that are not ours all parameters are read: each has
// hundreds, and a host may have a namespace for each of a thousand containers.
const maxForeign = 32

type recorder struct {
	host    *kernel.Host
	about   About
	s       *Snapshot
	foreign int // namespaces looked into so far that are not ours
}

func (r *recorder) all(ctx context.Context) (err error) {
	if err := r.netns(ctx); err != nil {
		return err
	}
	if r.s.Links, err = r.host.Links(ctx, r.s.Inside...); err != nil {
		return err
	}
	for _, ns := range r.s.Inside {
		if err := r.inside(ctx, ns); err != nil {
			return err
		}
	}
	if err := r.overlay(ctx); err != nil {
		return err
	}
	if r.s.Saved, err = r.host.SavedSysctls(ctx); err != nil {
		return err
	}
	r.s.Management, err = observe.Management(ctx, r.host, r.about.Sessions, r.host.DefaultPaths)
	return err
}

// netns decides which namespaces to look into: not those that carry somebody else's mark,
// which no plan for this host reads.
func (r *recorder) netns(ctx context.Context) (err error) {
	r.s.Inside = []string{""}
	r.s.Netns, err = r.host.Netns(ctx)
	for _, n := range r.s.Netns {
		id, marked := model.ParseAlias(n.Alias.Value())
		if !marked || id == r.about.Identity || r.about.Identity == (model.Identity{}) {
			r.s.Inside = append(r.s.Inside, n.Name)
		}
	}
	return err
}

func (r *recorder) inside(ctx context.Context, ns string) error {
	addresses, err := r.host.Addresses(ctx, ns)
	if err != nil {
		return err
	}
	routes, err := r.host.Routes(ctx, ns)
	if err != nil {
		return err
	}
	sysctls, err := r.sysctls(ctx, ns)
	if err != nil {
		return err
	}
	r.s.Addresses = append(r.s.Addresses, addresses...)
	r.s.Routes = append(r.s.Routes, routes...)
	values := map[string]string{}
	for _, x := range sysctls {
		if !secret(x.Name) {
			values[x.Name] = x.Value.Value()
		}
	}
	r.s.Sysctls = append(r.s.Sysctls, Sysctls{ns, values})
	return nil
}

// sysctls reads those that a plan may read: of the host's own namespace no others than
// those that are set there, and of a named one all, unless there are too many.
func (r *recorder) sysctls(ctx context.Context, ns string) ([]model.Sysctl, error) {
	names := []string{"net.ipv4.ip_forward", observe.Forwarding6}
	switch {
	case ns == "":
		for _, l := range r.s.Links {
			if l.Netns == "" {
				names = append(names, model.DeviceSysctl(6, l.Name, "accept_ra"))
			}
		}
	case r.ours(ns):
		return r.host.AllSysctls(ctx, ns)
	default:
		if r.foreign++; r.foreign <= maxForeign {
			return r.host.AllSysctls(ctx, ns)
		}
	}
	return r.host.Sysctls(ctx, ns, names)
}

func (r *recorder) ours(ns string) bool {
	return slices.ContainsFunc(r.s.Netns, func(n model.Netns) bool {
		_, marked := model.ParseAlias(n.Alias.Value())
		return n.Name == ns && marked
	})
}

// secret says whether the value of a sysctl must not leave the host (tcp_fastopen_key,
// stable_secret).
func secret(name string) bool {
	return strings.HasSuffix(name, "_key") || strings.HasSuffix(name, "_secret")
}

// overlay reads what vxlan devices of the host's own namespace have.
func (r *recorder) overlay(ctx context.Context) error {
	for _, l := range r.s.Links {
		if l.Netns != "" || l.Type.Value() != model.TypeVXLAN {
			continue
		}
		neighbours, err := r.host.Neighbours(ctx, "", l.Name)
		if err != nil {
			return err
		}
		entries, err := r.host.FDB(ctx, "", l.Name)
		if err != nil {
			return err
		}
		r.s.Neighbours = append(r.s.Neighbours, neighbours...)
		r.s.FDB = append(r.s.FDB, entries...)
	}
	return nil
}
