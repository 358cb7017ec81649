package spec

import (
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// walker takes the nodes one after the other, from their place in the file to the
// topology, and keeps of each what has to be compared with the others.
type walker struct {
	*deriver
	tunnels map[string]node // see tunnelNames

	underlay []hostAddress
	lacks    [7]some  // by family: the nodes without an underlay address of it
	shared   []subnet // with the peers
	local    []subnet
	overlay  []overlayAddress
	vteps    []vtep

	// What defaults: and probe: are checked against.
	roomy   roomy
	devices map[string]bool // interfaces that sysctls are about: some namespace has it
	known   knownNames      // namespaces

	own     []subnet // of the node
	links   firsts[string, link]
	macs    firsts[model.MAC, link]
	inUse   firsts[netip.Addr, node]
	sysctls map[string]bool // names that are right
}

// decode turns the trees of all files into a topology.
func (d *decoder) decode(sources []Source) *Topology {
	d.tree = &tree{}
	var roots []node
	for _, s := range sources {
		if n := d.parse(s); n.given() {
			roots = append(roots, n)
		}
	}
	if len(roots) < len(sources) {
		return nil // what a file lacks may stand in one that cannot be read
	}
	raw := d.topology(d.merge(roots))
	if raw == nil {
		return nil
	}
	w := &walker{deriver: d.newDeriver(raw)}
	w.room(raw.count)
	w.before()
	w.walkAll()
	w.sort()
	w.routeMetrics()
	w.after()
	return w.out
}

func (w *walker) eachNode(do func(k, v node)) {
	if !w.raw.nodes.given() {
		return
	}
	for k, v := range w.raw.nodes.entries() {
		if !strings.HasPrefix(k.text(), "x-") {
			do(k, v)
		}
	}
}

// room makes room for what most nodes have one of.
func (w *walker) room(nodes int) {
	w.underlay, w.shared = make([]hostAddress, 0, nodes), make([]subnet, 0, nodes)
	if w.out.Backend.Type == VXLAN {
		w.vteps = make([]vtep, 0, nodes)
	}
}

// before checks what doesn't depend on nodes.
func (w *walker) before() {
	if name := w.raw.name; name.given() {
		w.checkPlainName(name.at, "the topology's name", name.v)
	}
	w.checkBackend(w.raw.backend)
	w.tunnels = w.tunnelNames()
	w.expectDefaults()
}

func (w *walker) walk(k, v node) {
	r := w.node(k, v)
	w.checkUnderlay(r)
	w.checkNode(r)
	n := w.deriver.derive(r)
	w.checkSubnets(r)
	w.checkAddresses(r)
	w.checkLinkNames(n, r)
	w.checkMACs(n, r)
	if w.whole != nil && !w.whole(n) {
		n.Namespaces, n.Brief = nil, true
		w.slabs.giveBack(&w.kept)
	}
}

// after checks nodes against each other.
func (w *walker) after() {
	w.checkCommonFamily()
	w.checkProbe()
	w.checkDefaults()
	w.checkAcross()
	w.checkVTEPs()
}
