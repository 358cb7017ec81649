// Package daemon keeps a host as its topology's files say, for months: it hears of what
// changes in the files and in the kernel, looks at what that concerns, and puts right
// what differs. One goroutine does all of it; what others see of it is a status.
package daemon
