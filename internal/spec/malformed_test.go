package spec_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sound is a topology with nothing wrong; each malformed one changes a piece of it.
const sound = `apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 1, port: 8472}
mtu: 1500
nodes:
  vm1:
    address: 192.168.32.1
    interface: eth0
    overlay: {device: vtep1, mac: "02:00:00:00:01:01", address: 10.1.0.0/32, mtu: 1450}
    bridges:
      br1: {addresses: [10.1.0.1/24], mtu: 1450, mac: "02:00:00:00:02:01", overlay: true}
    namespaces:
      web: 10.1.0.2/24
      fw:
        interfaces:
          eth0: {bridge: br1, addresses: [10.1.0.3/24], mac: "02:00:00:00:03:01", host: vethfw, mtu: 1450}
        routes: [{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]
        sysctls: {net.ipv4.ip_forward: 1}
  vm2:
    address: 192.168.32.2
    bridges: {br2: 10.2.0.1/24}
    namespaces: {web: 10.2.0.2/24}
`

// malformed are changes of the sound topology, with what must be said of them.
var malformed = []struct {
	name     string
	old, new string // new takes the place of old
	want     string // LINE:COLUMN: part of the message
	hint     string // part of the hint; "" for none expected
}{
	// The text.
	{"empty file", sound, "", "1:1: the file is empty", ""},
	{"only a comment", sound, "# nothing\n", "1:1: the file is empty", ""},
	{"only a marker", sound, "---", "1:1: the file is empty", ""},
	{"only two markers", sound, "---\n...\n", "1:1: the file is empty", ""},
	{"a scalar", sound, "hello\n", "1:1: a map is wanted here, not a value", "apiVersion"},
	{"a list", sound, "- a\n- b\n", "1:1: a map is wanted here, not a list", "apiVersion"},
	{"null", sound, "~\n", "1:1: apiVersion is missing", ""},
	{"unclosed brace", "{type: vxlan, vni: 1, port: 8472}", "{type: vxlan", "3:1: not readable as YAML", ""},
	{"unclosed bracket", "[10.1.0.1/24], mtu: 1450, mac: \"02:00:00:00:02:01\"", "[10.1.0.1/24, mtu: 1450", "11:1: not readable as YAML", ""},
	{"unclosed quote", `"02:00:00:00:02:01"`, `"02:00:00:00:02:01`, "not readable as YAML", ""},
	{"tab as indentation", "    interface: eth0", "\tinterface: eth0", "8:1: a tab indents this line", ""},
	{"tab after spaces", "    interface: eth0", "  \t interface: eth0", "8:3: a tab indents this line", ""},
	{"not UTF-8", "name: classic", "name: \xff\xfe", "2:1: this line is not UTF-8 text", ""},
	{"control character", "name: classic", "name: a\x01b", "2:8: not readable as YAML: control characters are not allowed", ""},
	{"two documents", "nodes:\n", "---\nnodes:\n", "5:1: a second YAML document begins here", ""},
	{"unknown alias", "name: classic", "name: *x", "2:7: not readable as YAML: unknown anchor 'x'", ""},
	{"merge key", "  vm2:\n", "  vm2:\n    <<: {interface: eth1}\n", "20:5: merge keys (<<) are not supported", "defaults"},
	{"tag", "mtu: 1500", "mtu: !!int 1500", "4:6: the tag !!int has no meaning here", ""},
	{"own tag", "name: classic", "name: !secret classic", "2:7: the tag !secret has no meaning here", ""},
	{"list as key", "name: classic", "name: classic\n? [a, b]\n: c", "3:3: a key must be a plain value", ""},
	{"bad indentation", "    interface: eth0", "   interface: eth0", "not readable as YAML", ""},

	// Keys.
	{"unknown key at the top", "mtu: 1500", "mut: 1500", `4:1: unknown key "mut"`, `did you mean "mtu"?`},
	{"unknown key in a node", "    interface: eth0", "    interfce: eth0", `8:5: unknown key "interfce"`, `did you mean "interface"?`},
	{"unknown key in a backend", "vni: 1", "vnid: 1", `3:24: unknown key "vnid"`, `did you mean "vni"?`},
	{"unknown key in a bridge", "{addresses: [10.1.0.1/24]", "{adresses: [10.1.0.1/24]", `11:13: unknown key "adresses"`, `did you mean "addresses"?`},
	{"unknown key in an interface", "host: vethfw", "hots: vethfw", `unknown key "hots"`, `did you mean "host"?`},
	{"unknown key in a namespace", "        routes:", "        route:", `unknown key "route"`, `did you mean "routes"?`},
	{"unknown key in a route", "via: 10.1.0.1, dev", "gateway: 10.1.0.1, dev", `unknown key "gateway"`, "known are to, via, dev, metric"},
	{"unknown key in an overlay", "device: vtep1", "devise: vtep1", `unknown key "devise"`, `did you mean "device"?`},
	{"unknown key in defaults", "mtu: 1500", "defaults: {bridges: {mtu: 1}}", `4:12: unknown key "bridges"`, `did you mean "bridge"?`},
	{"unknown key in a probe", "mtu: 1500", "probe: {every: 1s}", `4:9: unknown key "every"`, "known are type, interval, timeout, down, up, namespaces, ready"},
	{"wrong case", "apiVersion", "apiversion", `1:1: unknown key "apiversion"`, `did you mean "apiVersion"?`},
	{"key twice", "mtu: 1500", "mtu: 1500\nmtu: 1400", `5:1: the key "mtu" is here for the second time; the first one is at topology.yaml:4`, ""},
	{"node twice", "  vm2:", "  vm1:", `19:3: the key "vm1" is here for the second time; the first one is at topology.yaml:6`, ""},
	{"bridge twice", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/24, br2: 10.2.1.1/24}", `the key "br2" is here for the second time`, ""},
	{"node twice, quoted", "  vm2:", `  "vm1":`, `19:3: the key "vm1" is here for the second time`, ""},

	// What is missing.
	{"no apiVersion", "apiVersion: netplan-overlay/v1\n", "", "1:1: apiVersion is missing", "apiVersion: netplan-overlay/v1"},
	{"another apiVersion", "netplan-overlay/v1", "netplan-overlay/v2", `1:13: "netplan-overlay/v2" is not a version that this program reads`, `did you mean "netplan-overlay/v1"?`},
	{"no name", "name: classic\n", "", "1:1: name is missing", "mark"},
	{"no backend", "backend: {type: vxlan, vni: 1, port: 8472}\n", "", "1:1: backend is missing", "vxlan, ipip or host-gw"},
	{"backend without type", "{type: vxlan, vni: 1, port: 8472}", "{vni: 1}", "3:10: the backend has no type", "type: vxlan"},
	{"no nodes", sound[strings.Index(sound, "nodes:"):], "", "1:1: nodes is missing", "nodes:"},
	{"empty nodes", sound[strings.Index(sound, "nodes:"):], "nodes:\n", "there are no nodes", ""},
	{"empty map of nodes", sound[strings.Index(sound, "nodes:"):], "nodes: {}\n", "5:8: there are no nodes", ""},
	{"node without address", "    address: 192.168.32.2\n", "", "19:3: the node has no address", "address:"},
	{"empty address", "    address: 192.168.32.2", "    address:", "the node has no address", ""},
	{"empty node", sound[strings.Index(sound, "  vm2:"):], "  vm2:\n", "19:3: the node has no address", ""},
	{"empty name", "name: classic", `name: ""`, "2:7: the topology's name is wanted here, not an empty text", ""},
	{"null name", "name: classic", "name: ~", "2:7: the topology's name is wanted here, and nothing is given", ""},
	{"route without destination", "{to: default, via: 10.1.0.1, dev: eth0, metric: 5}", "{via: 10.1.0.1}", "the route has no destination", "to: default"},
	{"route that leads nowhere", "{to: default, via: 10.1.0.1, dev: eth0, metric: 5}", "{to: 10.9.0.0/16}", "nothing says where the route leads to", "via:"},
	{"default route without gateway", "{to: default, via: 10.1.0.1, dev: eth0, metric: 5}", "{to: default, dev: eth0}", "a default route without a gateway", "0.0.0.0/0"},
	{"interface with nothing", "{bridge: br1, addresses: [10.1.0.3/24], mac: \"02:00:00:00:03:01\", host: vethfw, mtu: 1450}", "", "neither an address nor a bridge", "bridge:"},
	{"interface without address or bridge", "{bridge: br1, addresses: [10.1.0.3/24], mac: \"02:00:00:00:03:01\", host: vethfw, mtu: 1450}", "{mtu: 1450}", "nothing says which bridge", "bridge:"},

	// Shapes.
	{"nodes as a list", sound[strings.Index(sound, "nodes:"):], "nodes: [vm1]\n", "5:8: a map of nodes is wanted here, not a list", ""},
	{"node as a value", sound[strings.Index(sound, "  vm2:"):], "  vm2: 192.168.32.2\n", "19:8: a map is wanted here, not a value", "address"},
	{"bridges as a list", "{br2: 10.2.0.1/24}", "[br2]", "21:14: a map of bridges is wanted here, not a list", ""},
	{"namespaces as a value", "{web: 10.2.0.2/24}", "web", "22:17: a map of namespaces is wanted here, not a value", ""},
	{"name as a list", "name: classic", "name: [classic]", "2:7: the topology's name is wanted here, not a list", ""},
	{"mtu as a map", "mtu: 1500", "mtu: {a: 1}", "4:6: an MTU is wanted here, not a map", ""},
	{"backend as a list", "{type: vxlan, vni: 1, port: 8472}", "[vxlan]", "3:10: a map is wanted here, not a list", "type"},
	{"address as a map", "address: 192.168.32.2", "address: {a: 1}", "20:14: an IP address, or a list of them, is wanted here, not a map", ""},
	{"addresses in a map", "[10.1.0.1/24]", "{a: 10.1.0.1/24}", "a list of them, is wanted here, not a map", ""},
	{"list in a list", "[10.1.0.1/24]", "[[10.1.0.1/24]]", "is wanted here, not a list", ""},
	{"routes as a map", "[{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]", "{to: default}", "17:17: a list of routes is wanted here, not a map", "to: default"},
	{"route as a value", "[{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]", "[default]", "a map is wanted here, not a value", "to"},
	{"sysctls as a list", "{net.ipv4.ip_forward: 1}", "[a]", "a map of sysctls is wanted here, not a list", ""},
	{"interfaces as a list", "        interfaces:\n          eth0: {bridge: br1, addresses: [10.1.0.3/24], mac: \"02:00:00:00:03:01\", host: vethfw, mtu: 1450}\n", "        interfaces: [eth0]\n", "a map of interfaces is wanted here, not a list", ""},

	// Numbers, flags, words.
	{"mtu with a letter", "mtu: 1500", "mtu: 15OO", `4:6: "15OO" is not an MTU`, ""},
	{"mtu as a float", "mtu: 1500", "mtu: 1.5e3", `4:6: "1.5e3" is not an MTU`, ""},
	{"mtu in octal", "mtu: 1500", "mtu: 01500", `4:6: "01500" is not clearly an MTU`, "leading 0"},
	{"mtu in hexadecimal", "mtu: 1500", "mtu: 0x5dc", `4:6: "0x5dc" is not an MTU`, ""},
	{"negative mtu", "mtu: 1500", "mtu: -1", `4:6: "-1" is not an MTU`, ""},
	{"mtu with a sign", "mtu: 1500", "mtu: +1500", `4:6: "+1500" is not an MTU`, ""},
	{"mtu too small", "mtu: 1500", "mtu: 67", "4:6: an MTU is a whole number from 68 to 65535, not 67", ""},
	{"mtu too large", "mtu: 1500", "mtu: 65536", "4:6: an MTU is a whole number from 68 to 65535, not 65536", ""},
	{"mtu beyond all", "mtu: 1500", "mtu: 99999999999999999999", "is not an MTU", ""},
	{"VNI 0", "vni: 1", "vni: 0", "3:29: a VNI is a whole number from 1 to 16777215, not 0", ""},
	{"VNI too large", "vni: 1", "vni: 16777216", "a VNI is a whole number from 1 to 16777215", ""},
	{"port 0", "port: 8472", "port: 0", "a UDP port is a whole number from 1 to 65535", ""},
	{"port too large", "port: 8472", "port: 65536", "a UDP port is a whole number from 1 to 65535", ""},
	{"yes for true", "overlay: true", "overlay: yes", `"yes" is neither true nor false`, ""},
	{"True for true", "overlay: true", "overlay: True", `"True" is neither true nor false`, ""},
	{"unknown backend", "{type: vxlan, vni: 1, port: 8472}", "vxlna", `3:10: "vxlna" is not a backend`, `did you mean "vxlan"?`},
	{"backend of flannel's", "{type: vxlan, vni: 1, port: 8472}", "udp", `3:10: "udp" is not a backend`, "known are host-gw, ipip, vxlan"},
	{"unknown mode", "{type: vxlan, vni: 1, port: 8472}", "{type: ipip, mode: perpeer}", `"perpeer" is not a mode`, `did you mean "per-peer"?`},
	{"option of another backend: vni", "{type: vxlan, vni: 1, port: 8472}", "{type: ipip, vni: 1}", "vni is no option of ipip", "vxlan"},
	{"option of another backend: port", "{type: vxlan, vni: 1, port: 8472}", "{type: host-gw, port: 1}", "port is no option of host-gw", "vxlan"},
	{"option of another backend: mode", "vni: 1", "mode: per-peer", "mode is no option of vxlan", "ipip"},
	{"option of another backend: directRouting", "{type: vxlan, vni: 1, port: 8472}", "{type: host-gw, directRouting: true}", "directRouting is no option of host-gw", "vxlan or ipip"},
	{"unknown choice of metrics", "vni: 1", "routeMetrics: spred", `"spred" is not a choice of metrics`, `did you mean "spread"?`},
	{"metrics as a number", "vni: 1", "routeMetrics: 100", `"100" is not a choice of metrics`, "known are auto, plain, spread"},
	{"metrics as a list", "vni: 1", "routeMetrics: [plain]", "a choice of metrics is wanted here, not a list", ""},

	// Addresses.
	{"address with a letter", "192.168.32.2\n", "192.168.32.x\n", `20:14: "192.168.32.x" is not an IP address`, ""},
	{"address out of range", "192.168.32.2\n", "192.168.32.256\n", `20:14: "192.168.32.256" is not an IP address`, ""},
	{"address with leading zeros", "192.168.32.2\n", "192.168.032.2\n", `20:14: "192.168.032.2" is not an IP address`, ""},
	{"underlay address with a length", "192.168.32.2\n", "192.168.32.2/24\n", `is not an IP address`, "without the length"},
	{"underlay address unspecified", "192.168.32.2\n", "0.0.0.0\n", "0.0.0.0 cannot be the address of a host", ""},
	{"underlay address loopback", "192.168.32.2\n", "127.0.0.1\n", "127.0.0.1 cannot be the address of a host", ""},
	{"underlay address multicast", "192.168.32.2\n", "224.0.0.1\n", "224.0.0.1 cannot be the address of a host", ""},
	{"underlay address with a zone", "192.168.32.2\n", "\"fe80::1%eth0\"\n", "has a zone", ""},
	{"underlay address link-local", "192.168.32.2\n", "\"fe80::1\"\n", "fe80::1 is link-local", ""},
	{"IPv4 in IPv6", "192.168.32.2\n", "\"::ffff:192.168.32.2\"\n", "is an IPv4 address in IPv6 notation", "write 192.168.32.2"},
	{"two addresses of a family", "address: 192.168.32.2\n", "address: [192.168.32.2, 192.168.32.3]\n", "two IPv4 addresses on the underlay", ""},
	{"underlay address twice", "192.168.32.2\n", "192.168.32.1\n", "20:14: 192.168.32.1 is the address of another node, too, at topology.yaml:7", ""},
	{"no common family", "192.168.32.2\n", "\"2001:db8::2\"\n", "the nodes have no common family", "one family"},
	{"bridge address without length", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1}", "21:20: 10.2.0.1 lacks the length of its subnet", "10.2.0.1/24"},
	{"bridge address with length 33", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/33}", `"10.2.0.1/33" is not an address with a length`, ""},
	{"bridge address with a mask", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/255.255.255.0}", "is not an address with a length", ""},
	{"bridge address with length 0", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/0}", "would make the whole Internet its subnet", ""},
	{"network address", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.0/24}", "10.2.0.0/24 is the address of its subnet", ""},
	{"broadcast address", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.255/24}", "10.2.0.255/24 is the broadcast address of its subnet", ""},
	{"subnet-router anycast address", "{br2: 10.2.0.1/24}", "{br2: [10.2.0.1/24, \"fd00::/64\"]}", "fd00::/64 is the anycast address of all routers", ""},
	{"namespace's network address", "{web: 10.2.0.2/24}", "{web: 10.2.0.0/24}", "22:23: 10.2.0.0/24 is the address of its subnet", ""},
	{"address of a bridge twice", "{web: 10.2.0.2/24}", "{web: 10.2.0.1/24}", "22:23: the address 10.2.0.1 is in use already, at topology.yaml:21", ""},
	{"address of two namespaces", "web: 10.1.0.2/24", "web: 10.1.0.3/24", "the address 10.1.0.3 is in use already", ""},
	{"outside the bridges' subnets", "{web: 10.2.0.2/24}", "{web: 10.3.0.2/24}", "22:23: no bridge of the node has a subnet that holds 10.3.0.2/24; there is br2 (10.2.0.0/24)", ""},
	{"outside the bridge's subnet", "[10.1.0.3/24]", "[10.9.0.3/24]", "10.9.0.3/24 is outside the subnets of the bridge br1", ""},
	{"no bridge at all", "    bridges: {br2: 10.2.0.1/24}\n", "", "no bridge of the node holds 10.2.0.2/24: it has none", "bridge"},
	{"unknown bridge", "bridge: br1", "bridge: br11", `the node has no bridge "br11"`, `did you mean "br1"?`},
	{"on two bridges", "{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "{br2: 10.2.0.1/24, br3: 10.3.0.1/24}\n    namespaces: {web: [10.2.0.2/24, 10.3.0.2/24]}", "but the interface is on br2", "another interface"},
	{"subnets of nodes overlap", "{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "{br2: 10.1.0.9/16}", "21:20: the subnet 10.1.0.0/16 of vm2 overlaps with 10.1.0.0/24 of vm1, at topology.yaml:11", "its own"},
	{"subnets of a node overlap", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/24, br3: 10.2.0.129/25}", "21:38: the subnet 10.2.0.128/25 overlaps with 10.2.0.0/24 of the bridge br2", ""},
	{"underlay inside the overlay", "{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "{br2: 192.168.32.77/24}", "7:14: the underlay address 192.168.32.1 is in the subnet 192.168.32.0/24 of vm2", "underlay"},
	{"local subnet hides a peer", "{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "{br2: {addresses: 10.1.0.77/24, overlay: false}}", "the local subnet 10.1.0.0/24 would hide 10.1.0.0/24 of vm1", ""},
	{"overlay address twice", "    bridges: {br2", "    overlay: {address: 10.1.0.0}\n    bridges: {br2", "the overlay address 10.1.0.0 is another node's, too", ""},
	{"local subnet hides the underlay", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/24, br3: {addresses: 192.168.32.5/24, overlay: false}}", "21:50: the local subnet 192.168.32.0/24 would hide the underlay address 192.168.32.1 of vm1, at topology.yaml:7", "another subnet"},
	{"overlay address on the underlay", "address: 10.1.0.0/32", "address: 192.168.32.2/30", "9:65: the overlay address 192.168.32.2/30 would hide the underlay address 192.168.32.1 of vm1", ""},
	{"no network address to spare", "{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "{br2: 10.2.0.1/31}\n    namespaces: {web: 10.2.0.0/31}", "22:23: the overlay device would take 10.2.0.0, too", "overlay.address"},
	{"two overlay addresses of a family", "address: 10.1.0.0/32", "address: [10.1.0.0, 10.1.5.0]", "needs one IPv4 address, not two", ""},

	// Routes.
	{"gateway out of reach", "via: 10.1.0.1, dev: eth0", "via: 10.9.0.1", "no interface of the namespace reaches the gateway 10.9.0.1", ""},
	{"own address as gateway", "via: 10.1.0.1, dev: eth0", "via: 10.1.0.3", "the gateway 10.1.0.3 is the namespace's own address", ""},
	{"unknown device", "dev: eth0", "dev: eth7", `the namespace has no interface "eth7"`, ""},
	{"destination with host bits", "to: default", "to: 10.9.0.1/16", "10.9.0.1/16 has bits beyond its length", "10.9.0.0/16"},
	{"destination of another family", "to: default", "to: \"fd00::/8\"", "different families", ""},
	{"not a destination", "to: default", "to: everywhere", `"everywhere" is neither "default" nor a subnet`, ""},
	{"own address as gateway, with dev", "via: 10.1.0.1, dev: eth0", "via: 10.1.0.3, dev: eth0", "17:37: the gateway 10.1.0.3 is the namespace's own address", ""},
	{"gateway that dev does not reach", "via: 10.1.0.1, dev: eth0", "via: 10.9.0.1, dev: eth0", "17:37: eth0 does not reach the gateway 10.9.0.1", "subnet of the interface"},
	{"route twice", "dev: eth0, metric: 5}]", "dev: eth0, metric: 5}, {to: 0.0.0.0/0, via: 10.1.0.7, metric: 5}]", "17:70: there is another route to 0.0.0.0/0 with the same metric, at topology.yaml:17", "another metric"},
	{"route of the kernel's own", "to: default, via: 10.1.0.1, dev: eth0, metric: 5", "to: 10.1.0.0/24, dev: eth0", "17:18: the kernel makes the route to 10.1.0.0/24 itself: it is the subnet of eth0", "leave it out"},
	{"IPv6 route of the kernel's own", sound[strings.Index(sound, "backend"):], "backend: host-gw\nnodes:\n  a: {address: 192.0.2.1, bridges: {br0: \"fd00::1/64\"}, namespaces: {ns: {interfaces: {eth0: \"fd00::2/64\"}, routes: [{to: \"fd00::/64\", dev: eth0, metric: 256}]}}}\n", "5:118: the kernel makes the route to fd00::/64 itself: it is the subnet of eth0", "leave it out"},
	{"metric too large", "metric: 5", "metric: 4294967296", "is not a metric", ""},

	// Names.
	{"bridge name too long", "{br2: 10.2.0.1/24}", "{abcdefghijklmnop: 10.2.0.1/24}", `21:15: the bridge "abcdefghijklmnop" has 16 bytes; the kernel allows 15`, ""},
	{"bridge named lo", "{br2: 10.2.0.1/24}", "{lo: 10.2.0.1/24}", `"lo" cannot be the name of the bridge`, ""},
	{"bridge named all", "{br2: 10.2.0.1/24}", "{all: 10.2.0.1/24}", `"all" cannot be the name of the bridge`, ""},
	{"bridge named ..", "{br2: 10.2.0.1/24}", "{\"..\": 10.2.0.1/24}", `".." cannot be the name of`, ""},
	{"bridge with a slash", "{br2: 10.2.0.1/24}", "{b/2: 10.2.0.1/24}", "has a character that the kernel refuses", ""},
	{"bridge with a space", "{br2: 10.2.0.1/24}", "{b 2: 10.2.0.1/24}", "has a character that the kernel refuses", ""},
	{"bridge with a percent sign", "{br2: 10.2.0.1/24}", "{b%d: 10.2.0.1/24}", "has a character that the kernel refuses", ""},
	{"bridge with a colon", "{br2: 10.2.0.1/24}", "{\"b:2\": 10.2.0.1/24}", "has a character that the kernel refuses", ""},
	{"device name too long", "device: vtep1", "device: abcdefghijklmnop", "the kernel allows 15", ""},
	{"veth name too long", "host: vethfw", "host: abcdefghijklmnop", "the kernel allows 15", ""},
	{"interface name too long", "    interface: eth0", "    interface: abcdefghijklmnop", "8:16: the interface", ""},
	{"namespace with a slash", "{web: 10.2.0.2/24}", "{a/b: 10.2.0.2/24}", "cannot be the name of a network namespace", ""},
	{"namespace named ..", "{web: 10.2.0.2/24}", "{\"..\": 10.2.0.2/24}", `".." cannot be the name of a network namespace`, ""},
	{"node with a slash", "  vm2:", "  vm/2:", `19:3: a node's name consists of letters`, ""},
	{"topology with a slash", "name: classic", "name: a/b", "2:7: the topology's name consists of letters", ""},
	{"topology with a long name", "name: classic", "name: " + strings.Repeat("x", 64), "2:7: the topology's name has at most 63 bytes", ""},
	{"bridge named as the device", "{br2: 10.2.0.1/24}", "{vxlan1: 10.2.0.1/24}", `the overlay device is named "vxlan1", and so is a bridge`, "rename"},
	{"veth named as a bridge", "host: vethfw", "host: br1", `the veth of fw/eth0 is named "br1", and so is a bridge`, "rename"},
	{"veths of one name", "host: vethfw", "host: veth-web", `is named "veth-web", and so is`, "rename"},
	{"bridge named as the underlay", "br1: {addresses", "eth0: {addresses", `a bridge is named "eth0", and so is the underlay device`, "rename"},

	// MACs, overlay, sysctls.
	{"MAC too short", `"02:00:00:00:02:01"`, `"02:00:00:00:02"`, "is not a MAC address", ""},
	{"MAC with a letter", `"02:00:00:00:02:01"`, `"02:00:00:00:02:0g"`, "is not a hexadecimal byte", ""},
	{"multicast MAC", `"02:00:00:00:02:01"`, `"01:00:5e:00:00:01"`, "is a multicast address", "lowest bit"},
	{"zero MAC", `"02:00:00:00:02:01"`, `"00:00:00:00:00:00"`, "is no MAC address that a device can have", ""},
	{"MAC twice on a node", `"02:00:00:00:03:01"`, `"02:00:00:00:02:01"`, "the MAC 02:00:00:00:02:01 is that of the bridge br1, too", ""},
	{"VTEP's MAC twice", "    bridges: {br2", "    overlay: {mac: \"02:00:00:00:01:01\"}\n    bridges: {br2", "the VTEP's MAC 02:00:00:00:01:01 is that of the node vm1, too", "overlay.mac"},
	{"overlay with host-gw", "{type: vxlan, vni: 1, port: 8472}", "host-gw", "9:14: host-gw has no overlay device", "leave it out"},
	{"MAC with ipip", "{type: vxlan, vni: 1, port: 8472}", "ipip", "an ipip device has no MAC address", "leave it out"},
	{"IPv6 with ipip", sound[strings.Index(sound, "backend"):], "backend: ipip\nnodes:\n  a: {address: 192.0.2.1, bridges: {br0: [10.1.0.1/24, \"fd00::1/64\"]}}\n", "5:56: ipip carries IPv4 only, and fd00::1/64 is IPv6", "vxlan or host-gw"},
	{"IPv6 underlay with ipip", sound[strings.Index(sound, "backend"):], "backend: ipip\nnodes:\n  a: {address: \"2001:db8::1\", bridges: {br0: 10.1.0.1/24}}\n", "5:3: ipip needs an IPv4 underlay", "vxlan or host-gw"},
	{"IPv6 overlay address with ipip", sound[strings.Index(sound, "backend"):], "backend: ipip\nnodes:\n  a: {address: 192.0.2.1, overlay: {address: \"fd00::\"}}\n", "5:46: ipip carries IPv4 only", "vxlan"},
	{"more ports than a bridge can have", "{web: 10.2.0.2/24}", "{" + manyInterfaces(1024) + "}", "22:42891: the bridge br2 would have more than 1023 ports", ""},
	{"two nodes of one tunnel name", sound[strings.Index(sound, "backend"):], "backend: {type: ipip, mode: per-peer}\nnodes:\n  a: {address: 192.0.2.1, bridges: {ipip-b: 10.1.0.1/24}}\n  b: {address: 192.0.2.2}\n", "5:37: a bridge is named \"ipip-b\", and so is the tunnel to b", "rename"},
	{"default MTU too small for IPv6", "mtu: 1500\nnodes:\n  vm1:\n", "defaults: {node: {overlay: {mtu: 1279}}, bridge: {mtu: 1278}}\nnodes:\n  vm3: {address: 192.168.32.3, bridges: {br3: \"fd00::1/64\"}}\n  vm1:\n", "4:34: an MTU of 1279 is too small for fd00::1/64: IPv6 needs 1280", ""},
	{"default MTU of bridges too small", "mtu: 1500\nnodes:\n  vm1:\n", "defaults: {bridge: {mtu: 1278}}\nnodes:\n  vm3: {address: 192.168.32.3, bridges: {br3: \"fd00::1/64\"}}\n  vm1:\n", "4:26: an MTU of 1278 is too small for fd00::1/64", ""},
	{"default MTU of interfaces too small", "mtu: 1500\nnodes:\n  vm1:\n", "defaults: {namespace: {mtu: 1278}}\nnodes:\n  vm3: {address: 192.168.32.3, bridges: {br3: \"fd00::1/64\"}, namespaces: {web: \"fd00::2/64\"}}\n  vm1:\n", "4:29: an MTU of 1278 is too small for fd00::2/64", ""},
	{"overlay MTU too small for IPv6", "    bridges: {br2: 10.2.0.1/24}", "    overlay: {mtu: 1279}\n    bridges: {br2: [10.2.0.1/24, \"fd00::1/64\"]}", "21:20: an MTU of 1279 is too small for fd00::1/64", ""},
	{"small MTU with IPv6", "[10.1.0.1/24], mtu: 1450", "[10.1.0.1/24, \"fd00::1/64\"], mtu: 1279", "an MTU of 1279 is too small for fd00::1/64: IPv6 needs 1280", ""},
	{"sysctl that is not of the network", "{net.ipv4.ip_forward: 1}", "{kernel.panic: 1}", `"kernel.panic" is no sysctl of a network namespace`, "net.ipv4.ip_forward"},
	{"sysctl that climbs", "{net.ipv4.ip_forward: 1}", "{net.ipv4...ip_forward: 1}", "is no sysctl of a network namespace", ""},
	{"sysctl that climbs by slashes", "{net.ipv4.ip_forward: 1}", "{net.ipv4.//.//.kernel.panic: 1}", "18:19: \"net.ipv4.//.//.kernel.panic\" is no sysctl of a network namespace", ""},
	{"sysctl of an unknown interface", "{net.ipv4.ip_forward: 1}", "{net.ipv4.conf.eth7.rp_filter: 1}", "18:19: the namespace has no interface \"eth7\"", ""},
	{"overlay defaults with host-gw", "backend: {type: vxlan, vni: 1, port: 8472}", "backend: host-gw\ndefaults: {node: {overlay: {mtu: 1400}}}", "4:28: host-gw has no overlay device", "leave it out"},
	{"default device with per-peer", "backend: {type: vxlan, vni: 1, port: 8472}\nmtu: 1500\nnodes:\n", "backend: {type: ipip, mode: per-peer}\ndefaults: {node: {overlay: {device: tun}}}\nnodes:\n  vm3: {address: 192.168.32.3}\n", "4:37: with mode per-peer and 3 nodes, there is not one device", "ipip-PEER"},
	{"overlay address that is no host's", "backend: {type: vxlan, vni: 1, port: 8472}\nmtu: 1500\nnodes:\n", "backend: {type: ipip, mode: per-peer}\nnodes:\n  vm3: {address: 192.168.32.3, overlay: {address: 172.16.0.0/30}}\n", "5:51: 172.16.0.0/30 is the address of its subnet", ""},
	{"IPv6 switched off everywhere", "    bridges: {br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "    bridges: {br2: \"fd02::1/64\"}\n    namespaces: {web: {interfaces: {eth0: \"fd02::2/64\"}, sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}}", "22:43: the interface cannot have fd02::2/64: net.ipv6.conf.all.disable_ipv6, at topology.yaml:22, switches IPv6 off", "leave out"},
	{"IPv6 switched off by default", "mtu: 1500\nnodes:\n  vm1:\n", "defaults: {namespace: {sysctls: {net.ipv6.conf.eth0.disable_ipv6: 1}}}\nnodes:\n  vm3: {address: 192.168.32.3, bridges: {br3: \"fd00::1/64\"}, namespaces: {web: \"fd00::2/64\"}}\n  vm1:\n", "net.ipv6.conf.eth0.disable_ipv6, at topology.yaml:4, switches IPv6 off", "leave out"},
	{"another probe", "mtu: 1500", "probe: tcp", `4:8: "tcp" is not a probe`, "known are icmp"},
	{"interval without unit", "mtu: 1500", "probe: {interval: 10}", `4:19: "10" is not a duration`, "such as 500ms"},
	{"interval of hours", "mtu: 1500", "probe: {interval: 1h}", `4:19: "1h" is not a duration`, "such as 500ms"},
	{"interval too short", "mtu: 1500", "probe: {interval: 99ms}", "4:19: the interval is from 100ms to 60m, not 99ms", ""},
	{"timeout longer than the interval", "mtu: 1500", "probe: {interval: 1s, timeout: 1001ms}", "4:32: the timeout 1001ms is longer than the interval 1s", "longer interval"},
	{"timeout longer than the usual interval", "mtu: 1500", "probe: {timeout: 11s}", "4:18: the timeout 11s is longer than the interval 10s", "longer interval"},
	{"too many losses", "mtu: 1500", "probe: {down: 21}", "4:15: a count is a whole number from 1 to 20, not 21", ""},
	{"probed namespace of nobody", "mtu: 1500", "probe: {namespaces: [web, fv]}", `4:27: no node has a namespace "fv"`, `did you mean "fw"?`},
	{"probed namespaces as a word", "mtu: 1500", "probe: {namespaces: web}", `4:21: "web" is neither true nor false`, ""},
	{"readiness of most", "mtu: 1500", "probe: {ready: most}", `4:16: "most" is not a condition`, "known are none, any, all"},
	{"probe of a node as a word", "    interface: eth0", "    probe: icmp", `8:12: "icmp" is neither true nor false`, ""},
	{"sysctl without value", "{net.ipv4.ip_forward: 1}", "{net.ipv4.ip_forward: }", "the sysctl's value is wanted here", ""},
}

// manyInterfaces makes n namespaces without addresses on br2.
func manyInterfaces(n int) string {
	l := make([]string, n)
	for i := range l {
		l[i] = fmt.Sprintf("n%d: {interfaces: {eth0: {bridge: br2}}}", i)
	}
	return strings.Join(l, ", ")
}

// TestMalformedText pins what people read of each malformed topology, so that a
// change of words or places is seen as a whole.
func TestMalformedText(t *testing.T) {
	const golden = "testdata/malformed.txt"
	var b strings.Builder
	for _, tc := range malformed {
		_, problems := parse(strings.Replace(sound, tc.old, tc.new, 1))
		fmt.Fprintf(&b, "# %s\n", tc.name)
		for _, p := range problems {
			fmt.Fprintln(&b, p)
		}
		b.WriteByte('\n')
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
		t.Errorf("the problems read otherwise (-want +got); -update rewrites them:\n%s", d)
	}
}

func TestMalformed(t *testing.T) {
	if len(malformed) < 100 {
		t.Errorf("there are only %d malformed topologies", len(malformed))
	}
	if top, problems := parse(sound); top == nil {
		t.Fatalf("the sound topology isn't: %v", problems)
	}
	for _, tc := range malformed {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(sound, tc.old, tc.new, 1)
			if text == sound {
				t.Fatalf("%q is not in the sound topology", tc.old)
			}
			top, problems := parse(text)
			if top != nil {
				t.Error("there is a topology, although something is wrong with it")
			}
			var all []string
			for _, p := range problems {
				if strings.Contains(place(p)+p.Message, tc.want) && strings.Contains(p.Hint, tc.hint) && !p.Warning {
					return
				}
				all = append(all, place(p)+p.Message+" | "+p.Hint)
			}
			t.Errorf("nothing says %q with the hint %q, but:\n%s", tc.want, tc.hint, strings.Join(all, "\n"))
		})
	}
}

func place(p spec.Problem) string { return fmt.Sprintf("%d:%d: ", p.Pos.Line, p.Pos.Column) }

func parse(text string) (*spec.Topology, []spec.Problem) {
	return spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(text)}})
}
