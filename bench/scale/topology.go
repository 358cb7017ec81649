package main

import (
	"fmt"
	"strings"
)

// The host, and its address on the underlay, on whose link all peers are.
const (
	node     = "n00000"
	underlay = "10.0.0.1/8"
)

// away is where a peer is after its address was changed: nobody's else.
const away = "10.255.0.1"

// topology is a fleet of the size, each node with a bridge and a namespace; moved is the
// number of a node whose address is another one, 0: none.
func topology(backend string, nodes, moved int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: bench\nbackend: %s\nnodes:\n", backend)
	for i := range nodes {
		address := fmt.Sprintf("10.%d.%d.%d", i/62500, i/250%250, i%250+1)
		if i > 0 && i == moved {
			address = away
		}
		subnet := fmt.Sprintf("100.%d.%d.", 64+i/1024, i/4%256)
		fmt.Fprintf(&b, "  n%05d:\n    address: %s\n    bridges: {br0: %s%d/26}\n    namespaces: {ns0: %s%d/26}\n",
			i, address, subnet, i%4*64+1, subnet, i%4*64+2)
	}
	return b.String()
}

// crowd is a node alone with many namespaces on one bridge.
func crowd(namespaces int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: bench\nbackend: host-gw\nnodes:\n  %s:\n    address: 10.0.0.1\n"+
		"    bridges: {br0: 100.64.0.1/16}\n    namespaces:\n", node)
	for i := range namespaces {
		fmt.Fprintf(&b, "      c%04d: %s/16\n", i, crowdAddress(i))
	}
	return b.String()
}

func crowdAddress(i int) string { return fmt.Sprintf("100.64.%d.%d", 1+i/250, i%250+1) }
