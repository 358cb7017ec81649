// Package probe finds out whether the peers of a node answer: whom to ask follows from the
// topology alone, and the engine asks at a low, even rate for as long as it runs. It opens
// no sockets itself.
package probe
