// Package fake is a kernel for tests: a set of objects that refuses and cascades
// as the real one does. What it knows of the kernel stands beside each rule, and
// TestTwins of the apply room does the same to it and to a real one, so that neither
// can allow, refuse or take along what the other doesn't.
package fake
