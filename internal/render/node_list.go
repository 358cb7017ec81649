package render

import (
	"io"
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Nodes lists a topology's nodes, a line each, for the shell: the name, a tab, the
// underlay addresses with commas between.
func Nodes(w io.Writer, t *spec.Topology) error {
	p := &page{}
	for _, n := range t.Nodes {
		var l []string
		for _, a := range n.Addresses {
			l = append(l, a.String())
		}
		p.printf("%s\t%s\n", n.Name, strings.Join(l, ","))
	}
	return p.writeTo(w)
}

type nodesDocument struct {
	FormatVersion string         `json:"format_version"`
	Topology      string         `json:"topology"`
	Nodes         []nodeDocument `json:"nodes"`
}

type nodeDocument struct {
	Name       string       `json:"name"`
	Addresses  []netip.Addr `json:"addresses"`
	Namespaces []string     `json:"namespaces"`
}

// NodesJSON lists a topology's nodes for machines.
func NodesJSON(w io.Writer, t *spec.Topology) error {
	d := nodesDocument{FormatVersion: FormatVersion, Topology: t.Name, Nodes: []nodeDocument{}}
	for _, n := range t.Nodes {
		x := nodeDocument{Name: n.Name, Addresses: n.Addresses, Namespaces: []string{}}
		for _, ns := range n.Namespaces {
			x.Namespaces = append(x.Namespaces, ns.Name)
		}
		d.Nodes = append(d.Nodes, x)
	}
	return writeJSON(w, d)
}
