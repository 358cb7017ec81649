package export

import (
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// topology is what a file says. Where it has a zero value, the file says nothing.
type topology struct {
	name    string
	backend backend
	nodes   []*node
}

type backend struct {
	kind      string
	vni, port uint32 // vxlan
	mode      string // ipip
	direct    bool
}

type node struct {
	name       string
	addresses  []netip.Addr // on the underlay
	iface      string
	overlay    overlay
	bridges    []*bridge
	namespaces []*namespace
	seen       *seen // nil: a peer that others know of
	invented   bool  // the name is
}

type overlay struct {
	device    string
	mac       model.MAC
	addresses []netip.Prefix
	mtu       uint32
}

type bridge struct {
	name      string
	addresses []netip.Prefix
	mtu       uint32
	mac       model.MAC
	local     bool // overlay: false
}

type namespace struct {
	name       string
	interfaces []*iface
	routes     []*route
	noRoutes   bool // routes: []
	sysctls    []model.Sysctl
}

type iface struct {
	name      string
	bridge    string
	host      string
	addresses []netip.Prefix
	mtu       uint32
}

type route struct {
	to     netip.Prefix
	via    netip.Addr
	dev    string
	metric uint32 // 0: the kernel's default
}

// hidden says whether a key would be the user's own, which the file's reader ignores.
func hidden(name string) bool { return strings.HasPrefix(name, "x-") }

// address returns the node's underlay address of the family (4 or 6), or the invalid
// Addr.
func (n *node) address(family int) netip.Addr {
	for _, a := range n.addresses {
		if model.Family(a) == family {
			return a
		}
	}
	return netip.Addr{}
}
