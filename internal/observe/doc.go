// Package observe reads a host: which objects are there, within which scope, and
// whose they are. It changes nothing.
package observe
