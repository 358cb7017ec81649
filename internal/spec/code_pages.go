package spec

// sample is a whole topology.
const sample = `apiVersion: netplan-overlay/v1
name: classic
backend: vxlan
nodes:
  vm1:
    address: 192.0.2.1
    bridges: {br1: 10.1.0.1/24}
    namespaces: {web: 10.1.0.2/24}`

// textPages are about the text of a file.
func textPages() []Page {
	return []Page{
		{codeEmpty, "the file is empty",
			"A file without content, or with comments only, was cut off or not written yet. It never means that everything is to be removed: for that there is `destroy`, or `apply --allow-empty` with `nodes: {}`.",
			"# nothing yet", sample},
		{codeNotYAML, "the text is not YAML",
			"The YAML parser gave up, and says where. Most often a bracket or quote is not closed, or a line is indented in another way than its neighbours; the mistake is at the line that is shown or before it.",
			"backend: {type: vxlan", "backend: {type: vxlan}"},
		{codeTab, "a tab indents a line",
			"YAML is indented by spaces alone. Let the editor replace tabs.",
			"nodes:\n\tvm1:\n\t  address: 192.0.2.1", "nodes:\n  vm1:\n    address: 192.0.2.1"},
		{codeNotUTF8, "the text is not UTF-8",
			"A file is UTF-8. Others, such as Latin-1, have to be converted: `iconv -f latin1 -t utf-8`.",
			"name: caf\xe9", "name: cafe"},
		{codeTooLarge, "the file is too large",
			"A file has at most 16 MiB; 10,000 nodes take about one. Several files are merged: give `-f` a directory.",
			"", ""},
		{codeSecondDocument, "a second YAML document begins",
			"A line `---` in the middle begins another document, which would be ignored by many readers. Put it into a file of its own: a directory's files are merged.",
			"name: classic\n---\nbackend: vxlan", "name: classic\nbackend: vxlan"},
		{codeTooDeep, "lists and maps are nested too deeply, or aliases stand for too much",
			"No topology needs 64 levels, nor aliases for 10,000 nodes: a few such lines could fill the memory.",
			"", ""},
		{codeNotSupported, "a feature of YAML that has no meaning here",
			"Values are read as the text that stands in the file, so tags (`!!int`) and merge keys (`<<`) mean nothing, and keys are plain text. What many nodes share goes under `defaults:`; anchors and aliases work.",
			"mtu: !!int 1500", "mtu: 1500"},
	}
}

// structurePages are about maps, lists and keys.
func structurePages() []Page {
	return []Page{
		{codeWrongShape, "a map, a list or a value stands where another of them belongs",
			"`explain` says for each key what may stand there: `netplan-overlay explain nodes.bridges`.",
			"    bridges: [br1]", "    bridges: {br1: 10.1.0.1/24}"},
		{codeKeyTwice, "a key is there twice",
			"In one map, or in several files that are merged, each key stands once; otherwise one of the two would be ignored. Both places are named.",
			"mtu: 1500\nmtu: 9000", "mtu: 9000"},
		{codeUnknownKey, "a key that is not known",
			"Keys are strict, so that a misspelt one is not ignored. Keys that begin with `x-` are yours: for anchors, and for other programs. `netplan-overlay explain` lists all others.",
			"    interfce: eth0", "    interface: eth0"},
		{codeMissing, "something that must be given is missing",
			"A topology has an apiVersion, a name, a backend and nodes; a node has an address; a backend that is a map has a type; a route has a destination.",
			"  vm1:\n    interface: eth0", "  vm1:\n    address: 192.0.2.1"},
		{codeNothingGiven, "a key has no value",
			"After the colon, something has to stand. To leave the value to the default, leave out the key.",
			"name:", "name: classic"},
		{codeNoNodes, "there are no nodes",
			"A topology without nodes would remove everything, and is more likely cut off. Where that is meant, run `destroy` on each host; or write `nodes: {}` and `apply --allow-empty`.",
			"nodes: {}", "nodes:\n  vm1:\n    address: 192.0.2.1"},
	}
}

// valuePages are about single values.
func valuePages() []Page {
	return []Page{
		{codeNotNumber, "not a whole number",
			"MTUs, VNIs, ports and metrics are whole numbers, in decimal digits and nothing else.",
			"mtu: 1.5e3", "mtu: 1500"},
		{codeOutOfRange, "a number out of its range",
			"An MTU is 68 to 65535 (RFC 791), a VNI 1 to 16777215 (RFC 7348), a port 1 to 65535. Of probes, an interval is 100ms to 60m, a timeout at least 10ms, a count 1 to 20.",
			"mtu: 70000", "mtu: 1500"},
		{codeLeadingZero, "a number with a leading 0",
			"To some readers of YAML, 01500 is an octal number, 832. Write it without the 0.",
			"mtu: 01500", "mtu: 1500"},
		{codeNotFlag, "neither true nor false",
			"Flags are `true` or `false`, in small letters. `yes`, `on` and `True` mean different things to different readers of YAML.",
			"    bridges: {br1: {addresses: 10.1.0.1/24, overlay: no}}", "    bridges: {br1: {addresses: 10.1.0.1/24, overlay: false}}"},
		{codeNotWord, "not one of the words that may stand there",
			"Backends are `host-gw`, `ipip` and `vxlan`; modes of ipip are `multipoint` and `per-peer`; the apiVersion is `netplan-overlay/v1`; the probe is `icmp`, and its `ready` is `none`, `any` or `all`.",
			"backend: vxlna", "backend: vxlan"},
		{codeNotMAC, "not a MAC address",
			"Six bytes in hexadecimal digits, with colons between. Quote it: 12:34:56:12:34:56 is a number to some readers of YAML.",
			"    overlay: {mac: \"02:00:00:00:00\"}", "    overlay: {mac: \"02:00:00:00:00:01\"}"},
		{codeBadMAC, "a MAC address that no device can have",
			"The kernel refuses zero and multicast addresses (the lowest bit of the first byte). One of your own has 2, 6, a or e as its second digit.",
			"    overlay: {mac: \"01:00:00:00:00:01\"}", "    overlay: {mac: \"02:00:00:00:00:01\"}"},
		{codeNotAddress, "not an IP address",
			"An underlay address or a gateway is written without a length, and without leading zeros.",
			"    address: 192.0.2.1/24", "    address: 192.0.2.1"},
		{codeBadAddress, "an address that cannot be meant",
			"Not the address of a host that others can reach: unspecified, loopback, multicast and link-local addresses, those with a zone, and IPv4 in the notation of IPv6.",
			"    address: 127.0.0.1", "    address: 192.0.2.1"},
		{codeNoLength, "an address without the length of its subnet",
			"Addresses of bridges and namespaces say how large their subnet is: 10.1.0.1/24. Masks such as 255.255.255.0 are not read.",
			"    bridges: {br1: 10.1.0.1}", "    bridges: {br1: 10.1.0.1/24}"},
		{codeWholeInternet, "a subnet that is the whole Internet",
			"With the length 0, every address would be on the bridge.",
			"    bridges: {br1: 10.1.0.1/0}", "    bridges: {br1: 10.1.0.1/24}"},
		{codeNotDestination, "not the destination of a route",
			"`default`, or a subnet whose bits beyond its length are 0.",
			"routes: [{to: 10.9.0.1/16, via: 10.1.0.1}]", "routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]"},
		{codeMTUTooSmall, "an MTU that is too small for IPv6",
			"IPv6 needs links of 1280 bytes (RFC 8200, 5); the kernel takes IPv6 off a smaller one.",
			"    bridges: {br1: {addresses: \"fd00::1/64\", mtu: 1200}}", "    bridges: {br1: {addresses: \"fd00::1/64\", mtu: 1280}}"},
		{codeBadSysctl, "not a sysctl of a network namespace",
			"A namespace's sysctls are those below `net.`, by their names with dots, each with a value of one line.",
			"sysctls: {kernel.panic: 1}", "sysctls: {net.ipv4.ip_forward: 1}"},
		{codeNotDuration, "not a duration",
			"A duration is a whole number with its unit: `ms`, `s` or `m`.",
			"probe: {interval: 10}", "probe: {interval: 10s}"},
		{codeTimeoutTooLong, "a timeout that is longer than the interval",
			"A probe is answered or lost before the next one of the same address is sent.",
			"probe: {interval: 1s, timeout: 2s}", "probe: {interval: 2s, timeout: 2s}"},
	}
}
