package main

import (
	"fmt"
	"strings"
)

// The host, and its address on the underlay, on whose link all peers are.
const (
	node     = "host"
	underlay = "10.128.0.1/9"
)

// topology is that of the host with a bridge and a namespace, and of its peers.
func topology(backend string, peers int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: bench\nbackend: %s\nnodes:\n", backend)
	fmt.Fprintf(&b, "  %s: {address: 10.128.0.1, bridges: {br0: 172.16.0.1/24}, namespaces: {%s: 172.16.0.2/24}}\n", node, inner)
	for i := range peers {
		fmt.Fprintf(&b, "  peer%d: {address: 10.129.%d.%d, bridges: {br0: 20.%d.%d.1/24}}\n", i, i>>8, i&255, i>>8, i&255)
	}
	return b.String()
}
