// Package logs sets up what a process that runs for long says by the way, and words it:
// text for people, JSON for programs. Whoever it is for, a change is one line.
package logs
