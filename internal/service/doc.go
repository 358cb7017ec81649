// Package service tells the service manager how this process is doing, by the protocol
// of sd_notify(3): a few lines of text in a datagram, to a socket that the environment
// names. It starts nothing of its own: whoever keeps the process going calls it, so that
// a watchdog sees whether that one still turns.
package service
