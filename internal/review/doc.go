// Package review makes plans away from the hosts that they are for: from two versions of
// a topology, or from what was observed on the hosts.
package review
