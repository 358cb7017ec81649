package export

import (
	"fmt"
	"net/netip"
	"regexp"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Host is one host as it was observed.
type Host struct {
	Node  string       // the node's name, made of letters, digits, dots, hyphens and underscores
	State *model.State // observe.Everything, with the owners for the node of Options.Name
}

// Options say what the hosts don't tell.
type Options struct {
	Name    string                // the topology's
	Peers   map[netip.Addr]string // names of peers by an underlay address; nil: all are invented
	Bridges []string              // only these bridges, whatever is on them; nil: those that are part of an overlay
}

// Result is a topology file, with what is to be known about it.
type Result struct {
	File    []byte
	Left    []string // what the hosts have and the file can't say, or better doesn't: one clause each
	Assumed []string // what the file says and no host told
	Remains []string // what would have to change on the hosts beside adoption: "vm1: update link vtep: learning true -> false"
}

// plainName is what spec takes for the name of a topology or node.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`) })

// Export describes the hosts in one file. What is true of a host that was observed goes
// before what others know of it; a peer that was not observed is described as far as
// the others know it. The error says what no file could be made of.
func Export(hosts []Host, opts Options) (*Result, error) {
	x := &exporter{opts: opts, out: &topology{name: opts.Name}}
	if err := x.checkNames(hosts); err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if err := x.host(h); err != nil {
			return nil, fmt.Errorf("describe %s: %w", h.Node, err)
		}
	}
	if err := x.merge(); err != nil {
		return nil, err
	}
	if err := x.validate(); err != nil {
		return nil, err
	}
	r, err := x.shorten()
	if err != nil {
		return nil, err
	}
	return x.result(r), nil
}

// exporter collects what becomes of the hosts.
type exporter struct {
	opts    Options
	seen    []*seen
	out     *topology
	left    []string
	assumed []string
}

// leave tells what of a node is not in the file, and why.
func (x *exporter) leave(node, format string, args ...any) {
	if node != "" {
		node += ": "
	}
	x.left = append(x.left, printable(node+fmt.Sprintf(format, args...)))
}

func (x *exporter) assume(format string, args ...any) {
	x.assumed = append(x.assumed, printable(fmt.Sprintf(format, args...)))
}

func (x *exporter) checkNames(hosts []Host) error {
	if !plainName().MatchString(x.opts.Name) {
		return fmt.Errorf("%q cannot be the name of a topology: it consists of at most 63 letters, digits, dots, hyphens and underscores, and begins with a letter or digit", x.opts.Name)
	}
	taken := map[string]bool{}
	check := func(name, whose string) error {
		switch {
		case !plainName().MatchString(name) || hidden(name):
			return fmt.Errorf("%q cannot be the name of a node (%s): it consists of at most 63 letters, digits, dots, hyphens and underscores, and begins with a letter or digit, but not with x-", name, whose)
		case taken[name]:
			return fmt.Errorf("%q is the name of two nodes (one is %s)", name, whose)
		}
		taken[name] = true
		return nil
	}
	for _, h := range hosts {
		if err := check(h.Node, "that of a host; --node gives it another one"); err != nil {
			return err
		}
	}
	for _, a := range sortedAddrs(x.opts.Peers) {
		if err := check(x.opts.Peers[a], "the peer "+a.String()); err != nil {
			return err
		}
	}
	return nil
}
