package spec

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The raw topology is what the files say, each value with its place. Of the nodes, there
// is one at a time.

type rawTopology struct {
	at       node
	name     value[string]
	mtu      value[uint32]
	backend  rawBackend
	probe    rawProbe
	nodes    node // the map of them
	count    int  // how many they are
	defaults rawDefaults
}

// shares says whether peers get routes to the subnets of a bridge.
func (t *rawTopology) shares(b *rawBridge) bool {
	v := b.overlay.or(t.defaults.bridge.overlay)
	return !v.given() || v.v
}

type rawBackend struct {
	at     node
	kind   value[string]
	vni    value[uint32]
	port   value[uint32]
	direct value[bool]
	mode   value[string]
	metric value[string]
}

// rawDefaults are values for every node, bridge and namespace that has none of its
// own.
type rawDefaults struct {
	node      rawNode
	bridge    rawBridge
	namespace rawNamespace
	mtu       value[uint32] // of the namespaces' interfaces
}

type rawNode struct {
	at         node
	key        node
	name       string
	addresses  []value[netip.Addr]
	iface      value[string]
	overlay    rawOverlay
	bridges    []rawBridge
	namespaces []rawNamespace
	probe      value[bool]
}

// shelves hold the parts of the node that is read, for the next one to be put upon.
type shelves struct {
	node       rawNode
	hosts      []value[netip.Addr]
	prefixes   []value[netip.Prefix]
	interfaces []rawInterface
}

// clear makes room for a node.
func (s *shelves) clear() *rawNode {
	s.hosts, s.prefixes, s.interfaces = s.hosts[:0], s.prefixes[:0], s.interfaces[:0]
	s.node = rawNode{bridges: s.node.bridges[:0], namespaces: s.node.namespaces[:0]}
	return &s.node
}

type rawOverlay struct {
	at        node
	device    value[string]
	mac       value[model.MAC]
	addresses []value[netip.Prefix]
	mtu       value[uint32]
}

type rawBridge struct {
	at        node
	key       node
	name      string
	addresses []value[netip.Prefix]
	mtu       value[uint32]
	mac       value[model.MAC]
	overlay   value[bool]
	broken    bool // something of it is wrong, and told
}

type rawNamespace struct {
	at         node
	key        node
	name       string
	interfaces []rawInterface
	routes     []*rawRoute
	noRoutes   bool // "routes: []": not even those that are derived
	sysctls    []rawSysctl
}

type rawInterface struct {
	at        node
	key       node // nil for the eth0 of the short form
	name      string
	bridge    value[string]
	addresses []value[netip.Prefix]
	mac       value[model.MAC]
	host      value[string]
	mtu       value[uint32]
}

type rawRoute struct {
	at         node
	to         value[netip.Prefix]
	defaultFor bool // to: default, of the family of via
	via        value[netip.Addr]
	dev        value[string]
	metric     value[uint32]
	broken     bool // something of it is wrong, and told
}

type rawSysctl struct {
	key   node
	name  string
	value value[string]
}
