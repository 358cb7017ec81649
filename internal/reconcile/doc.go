// Package reconcile is the hallway between the rooms: it loads a topology, expands
// it for one node, observes the host, computes the plan and has it applied. Plan,
// apply, destroy, the lab and the tests all come through here; there is no second
// path.
package reconcile
