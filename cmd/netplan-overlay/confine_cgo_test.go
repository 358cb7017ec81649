//go:build cgo

package main

import "testing"

// With cgo, a program starts itself anew, with what it needs and the right to read files.
func TestConfinedWithCgo(t *testing.T) {
	needRoot(t)
	w := newWorld(t, "192.168.32.245/24")
	file := w.file("topology.yaml", two("vxlan"))
	for command, want := range map[string]uint64{"version": 0, "validate": search, "plan": search | sysAdmin, "destroy": search | sysAdmin | netAdmin} {
		args := []string{command}
		if command != "version" {
			args = append(args, "-f", file)
		}
		if command == "destroy" {
			args = append(args, "--auto-approve")
		}
		comesTo(t, w.hosts[0].startStuck(args...), rights{want, want, want, want, want, true})
	}
}
