// Package kernel is the only room that speaks to the Linux kernel: netlink,
// network namespaces, sysctls and raw sockets. Above it links are named and
// addresses are netip values; interface indexes and file descriptors stay here.
//
// A Host is one host's door: its own network namespace and the named ones below
// it. It lists what is there, object by object, and executes steps in batches.
// It decides nothing: what is wanted, whose an object is and in which order things
// happen is said elsewhere.
package kernel
