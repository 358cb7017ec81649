// Package diff computes the plan: what leads from an observed state to the
// desired one, in which order, and what each change does to traffic.
//
// It is pure. The order is found by walking through the desired objects while
// simulating what the kernel does with each step, so that the consequences of a
// change (a replaced link takes its routes along) are part of the plan.
package diff
