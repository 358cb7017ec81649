package model

import (
	"encoding/binary"
	"net/netip"
)

// Routes to peers have no metric, or one of a range, by their destination. The kernel
// keeps what routes have in common (fib_info) in a hash table; the metric and the device
// are part of the hash, the gateway is not: routes over one device with a gateway each and
// no metric are one chain, which each new one walks (fib_find_info and fib_info_hashfn,
// net/ipv4/fib_semantics.c). IPv6 has no such table.
const (
	SpreadBase  uint32 = 1000 // the lowest metric of the range
	SpreadRange uint32 = 997  // a prime: subnets at any regular distance fill the range
)

// SpreadMetric returns the metric that an IPv4 destination has where metrics are spread:
// its number among the subnets of its length, counted from 0.0.0.0, modulo 997, and 1000
// added to that. 10.42.7.0/24 is number 10·65536 + 42·256 + 7 = 666119, and has 1123.
func SpreadMetric(dst netip.Prefix) uint32 {
	a := dst.Addr().As4()
	return SpreadBase + (binary.BigEndian.Uint32(a[:])>>(32-dst.Bits()))%SpreadRange
}

// Spreadable says whether the key is of a route that can have the metric of its
// destination: an IPv4 route of the host's own.
func (k Key) Spreadable() bool {
	return k.Kind == KindRoute && k.Netns == "" && k.Table == TableMain && k.Prefix.Addr().Is4()
}

// Spread returns the key of the route to the same destination with the metric of that; k
// must be Spreadable.
func (k Key) Spread() Key {
	k.Metric = SpreadMetric(k.Prefix)
	return k
}

// Plain returns the key of the route to the same destination without a metric; k must be
// Spreadable.
func (k Key) Plain() Key {
	k.Metric = 0
	return k
}
