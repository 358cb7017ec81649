// Package desired expands a topology into the exact kernel objects that one node
// should have. It performs no I/O: what it must know of the host comes as facts.
package desired
