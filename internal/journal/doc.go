// Package journal keeps the undo log of a run: which steps it was going to do, and how
// far it came. It outlives the process, so that a later one can take an interrupted
// run back.
package journal
