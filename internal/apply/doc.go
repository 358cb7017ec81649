// Package apply executes a plan: it hands the steps to the kernel, and undoes what
// was done when one of them fails.
package apply
