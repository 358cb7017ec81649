// Package watch tells when something may have changed that a host's state depends on:
// the files of a topology, and the kernel. It decides nothing, and changes nothing: it
// says that it is time to look, and where.
package watch
