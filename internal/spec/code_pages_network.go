package spec

// namePages are about names, and what is known by them.
func namePages() []Page {
	return []Page{
		{codeBadName, "not the name of a topology or a node",
			"Letters, digits, dots, hyphens and underscores, at most 63, the first a letter or digit: the names become parts of marks and of paths.",
			"name: my topology", "name: my-topology"},
		{codeBadLinkName, "not the name of a device",
			"The kernel takes at most 15 bytes, without `/`, `%`, `:` and white space; `.`, `..`, `lo`, `all` and `default` mean something else (dev_valid_name, net/core/dev.c).",
			"    bridges: {bridge-to-nowhere: 10.1.0.1/24}", "    bridges: {nowhere: 10.1.0.1/24}"},
		{codeBadNetnsName, "not the name of a network namespace",
			"The name becomes a file below /run/netns: at most 255 bytes, without `/` and white space.",
			"    namespaces: {a/b: 10.1.0.2/24}", "    namespaces: {a-b: 10.1.0.2/24}"},
		{codeNameTaken, "two devices of a host have one name",
			"Bridges, host-side veths, the overlay device and the underlay's are all in the host's own namespace. Names that the file doesn't give are derived: `render` shows them.",
			"    bridges: {vxlan1: 10.1.0.1/24}", "    bridges: {br1: 10.1.0.1/24}"},
		{codeMACTaken, "two devices have one MAC address",
			"On one bridge, or as VTEPs, frames for the one would reach the other.",
			"    bridges: {br1: {addresses: 10.1.0.1/24, mac: \"02:00:00:00:00:01\"}}\n    namespaces: {web: {interfaces: {eth0: {addresses: 10.1.0.2/24, mac: \"02:00:00:00:00:01\"}}}}",
			"    bridges: {br1: {addresses: 10.1.0.1/24, mac: \"02:00:00:00:00:01\"}}\n    namespaces: {web: {interfaces: {eth0: {addresses: 10.1.0.2/24, mac: \"02:00:00:00:00:02\"}}}}"},
		{codeNoInterface, "an interface that the namespace doesn't have",
			"A route's `dev`, and a sysctl of a device, name an interface of the same namespace. Without `interfaces:`, it is `eth0`.",
			"sysctls: {net.ipv4.conf.eth7.rp_filter: 1}", "sysctls: {net.ipv4.conf.eth0.rp_filter: 1}"},
		{codeTooManyPorts, "a bridge with too many ports",
			"The kernel gives a bridge 1023 ports (BR_MAX_PORTS, net/bridge/br_private.h). Spread the namespaces over several bridges.",
			"", ""},
		{codeNoNamespace, "a namespace that no node has",
			"`probe.namespaces` lists names of namespaces; some node has to have one of each.",
			"probe: {namespaces: [wbe]}", "probe: {namespaces: [web]}"},
	}
}

// addressPages are about addresses, subnets and routes.
func addressPages() []Page {
	return []Page{
		{codeAddressTaken, "an address is in use already",
			"Each address of the overlay belongs to one namespace or bridge. The other place is named.",
			"    namespaces: {web: 10.1.0.1/24}", "    namespaces: {web: 10.1.0.2/24}"},
		{codeNotHost, "not the address of a host",
			"The first address of a subnet is its own, or for IPv6 that of all its routers (RFC 4291, 2.6.1); the last one of an IPv4 subnet is for broadcasts.",
			"    bridges: {br1: 10.1.0.0/24}", "    bridges: {br1: 10.1.0.1/24}"},
		{codeWrongBridge, "no bridge has a subnet that holds the address",
			"An interface is on the bridge whose subnet holds its addresses; all of them are in subnets of the same bridge.",
			"    namespaces: {web: 10.9.0.2/24}", "    namespaces: {web: 10.1.0.2/24}"},
		{codeUnknownBridge, "a bridge that the node doesn't have",
			"`bridge:` names one of the same node's bridges.",
			"interfaces: {eth0: {bridge: br9, addresses: 10.1.0.2/24}}", "interfaces: {eth0: {bridge: br1, addresses: 10.1.0.2/24}}"},
		{codeNoBridge, "nothing says which bridge an interface is on",
			"An interface has an address in the subnet of a bridge, or names one with `bridge:`.",
			"interfaces: {eth0: {mtu: 1400}}", "interfaces: {eth0: {bridge: br1, mtu: 1400}}"},
		{codeOverlapWithin, "subnets of a node overlap",
			"Two bridges of a host cannot both hold an address: packets go to one of them.",
			"    bridges: {br1: 10.1.0.1/24, br2: 10.1.0.129/25}", "    bridges: {br1: 10.1.0.1/25, br2: 10.1.0.129/25}"},
		{codeOverlapBetween, "subnets of two nodes overlap",
			"Each node needs overlay subnets of its own: peers send packets for a subnet to one node. Only bridges with `overlay: false` may repeat those of other nodes.",
			"    bridges: {br2: 10.1.0.9/16}", "    bridges: {br2: 10.2.0.1/24}"},
		{codeLocalHides, "a local subnet hides another one",
			"The subnet of a bridge with `overlay: false` is the nearer way: the node could not reach what lies in the same subnet elsewhere.",
			"    bridges: {br2: {addresses: 10.1.0.9/24, overlay: false}}", "    bridges: {br2: {addresses: 10.99.0.9/24, overlay: false}}"},
		{codeRouteTwice, "two routes of a namespace are the same to the kernel",
			"It keeps one route for each destination and metric.",
			"routes: [{to: 10.9.0.0/16, via: 10.1.0.1}, {to: 10.9.0.0/16, via: 10.1.0.7}]", "routes: [{to: 10.9.0.0/16, via: 10.1.0.1}, {to: 10.9.0.0/16, via: 10.1.0.7, metric: 100}]"},
		{codeKernelRoute, "a route that the kernel makes itself",
			"The route to the subnet of an interface comes and goes with its address.",
			"routes: [{to: 10.1.0.0/24, dev: eth0}]", "routes: [{to: 10.9.0.0/24, via: 10.1.0.1}]"},
		{codeRouteNowhere, "nothing says where a route leads",
			"A route has a gateway (`via`) or an interface (`dev`). A default route without a gateway doesn't say of which family it is: write 0.0.0.0/0 or ::/0.",
			"routes: [{to: 10.9.0.0/16}]", "routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]"},
		{codeOtherFamily, "the gateway is of another family than the destination",
			"IPv4 by way of IPv6 is not supported here.",
			"routes: [{to: \"fd09::/16\", via: 10.1.0.1}]", "routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]"},
		{codeBadGateway, "a gateway that cannot be reached",
			"A gateway is another host in the subnet of one of the namespace's interfaces, of the one that `dev` names if it does.",
			"routes: [{to: 10.9.0.0/16, via: 10.7.0.1}]", "routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]"},
		{codeNoIPv6, "IPv6 addresses where a sysctl switches IPv6 off",
			"With `disable_ipv6`, of `all`, of `default` or of the interface, the kernel takes all IPv6 addresses off it and refuses new ones.",
			"    namespaces: {web: {interfaces: {eth0: \"fd00::2/64\"}, sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}}",
			"    namespaces: {web: {interfaces: {eth0: \"fd00::2/64\"}, sysctls: {net.ipv6.conf.all.disable_ipv6: 0}}}"},
	}
}

// backendPages are about the backend and the underlay.
func backendPages() []Page {
	return []Page{
		{codeForeignOption, "an option of another backend",
			"`vni` and `port` are vxlan's, `mode` is ipip's, and `directRouting` means nothing to host-gw, which does nothing else.",
			"backend: {type: ipip, vni: 1}", "backend: {type: vxlan, vni: 1}"},
		{codeNoDevice, "an overlay device that there is not",
			"host-gw has none; with ipip's `mode: per-peer` there is one for each peer; and an ipip device has no MAC.",
			"backend: host-gw\ndefaults: {node: {overlay: {mtu: 1400}}}", "backend: vxlan\ndefaults: {node: {overlay: {mtu: 1400}}}"},
		{codeIPIPOnlyIPv4, "ipip carries IPv4 only",
			"For IPv6 between nodes, use vxlan or host-gw; a bridge with `overlay: false` may have it with any backend.",
			"backend: ipip\nnodes:\n  vm9: {address: 192.0.2.9, bridges: {br9: \"fd09::1/64\"}}", "backend: vxlan\nnodes:\n  vm9: {address: 192.0.2.9, bridges: {br9: \"fd09::1/64\"}}"},
		{codeNoFamily, "nodes have no family of addresses in common",
			"All nodes need an underlay address of one family, and for ipip it is IPv4.",
			"nodes:\n  vm9: {address: \"2001:db8::9\"}", "nodes:\n  vm9: {address: [192.0.2.9, \"2001:db8::9\"]}"},
		{codeUnderlayTwice, "a node has two underlay addresses of one family",
			"A node is known to its peers by one address a family.",
			"    address: [192.0.2.1, 192.0.2.7]", "    address: 192.0.2.1"},
		{codeUnderlayTaken, "two nodes have one underlay address",
			"It is the address by which a host finds out which node it is.",
			"nodes:\n  vm9: {address: 192.0.2.2}", "nodes:\n  vm9: {address: 192.0.2.9}"},
		{codeUnderlayInOverlay, "an underlay address in an overlay subnet",
			"Packets to that node would be sent into the overlay, which needs them to reach the node.",
			"    bridges: {br1: 192.0.2.77/24}", "    bridges: {br1: 10.1.0.77/24}"},
		{codeOverlayTwice, "two overlay addresses of one family",
			"The overlay device has one address a family, by which peers know it.",
			"    overlay: {address: [10.1.0.0, 10.1.5.0]}", "    overlay: {address: 10.1.0.0}"},
		{codeOverlayTaken, "an overlay address that is something else's",
			"The address of the overlay device is nobody else's, and hides no node of the underlay. By default it is the network address of the node's first subnet.",
			"    overlay: {address: 10.2.0.1}", "    overlay: {address: 10.1.0.0}"},
	}
}

// warningPages are about what is doubtful, but may be meant: it never blocks.
func warningPages() []Page {
	return []Page{
		{codePublicSpace, "an overlay subnet that is not private address space",
			"Whoever owns the addresses on the Internet cannot be reached from the nodes any more. Private are 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and fc00::/7.",
			"    bridges: {br1: 172.245.0.1/24}", "    bridges: {br1: 172.16.0.1/24}"},
		{codeOtherLength, "an address has another length than the bridge's subnet",
			"The namespace and the bridge don't agree about who is on the link.",
			"    namespaces: {web: 10.1.0.2/25}", "    namespaces: {web: 10.1.0.2/24}"},
		{codeNoInterfaceAnywhere, "a default for an interface that no namespace has",
			"A sysctl under `defaults:` is of a device that none of the namespaces has: it is misspelt, or not needed any more.",
			"defaults: {namespace: {sysctls: {net.ipv4.conf.eth7.rp_filter: 1}}}", "defaults: {namespace: {sysctls: {net.ipv4.conf.eth0.rp_filter: 1}}}"},
	}
}
