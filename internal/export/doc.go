// Package export describes hosts as they are: it turns what was observed of one host, or
// of several, into the shortest topology file of which adoption is all that is left to
// do. It performs no I/O.
//
// What a file can say, and what of it is derived, it asks of the rooms that know: a file
// with everything is written, read by spec and expanded by desired; then whatever the
// reader would have derived anyway is left out of it.
package export
