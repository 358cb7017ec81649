// Package model is the vocabulary of the program: the kernel objects that it
// manages, their identity, their attributes, and the steps that change them.
//
// Desired and observed state are told in the same words. Objects are plain,
// comparable data: links are named, never numbered, addresses are netip values,
// MAC addresses are arrays. The package performs no I/O and imports nothing but
// the standard library.
package model
