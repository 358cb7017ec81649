// Package verify finds out who reaches whom: it probes every namespace of every node
// from the namespaces of one.
package verify
