// Package lab runs every node of a topology on one machine: each in a network
// namespace of its own, joined by an underlay as the file describes it. It needs no
// root where the kernel lets users make namespaces, touches nothing outside a
// sandbox, and leaves nothing behind, however it ends: the kernel takes the sandbox
// down with its last process.
package lab
