// Package fake is a kernel for tests: a set of objects that refuses and cascades
// as the real one does. What it knows of the kernel stands beside each rule; the
// tests of the kernel room check the same rules on a real one.
package fake
