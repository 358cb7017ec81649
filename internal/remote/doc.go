// Package remote starts the system's git and ssh, to fetch what is not on this machine or
// not in its files: an earlier version of a topology, and what other hosts have. It starts
// them without a shell, and nothing that could be taken for an option of theirs.
package remote
