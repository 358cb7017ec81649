package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rest is what a run leaves besides objects in the kernel: run-time files.
func (h *host) rest() []string {
	h.w.t.Helper()
	var l []string
	err := filepath.Walk(h.runDir(), func(path string, st os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if name := filepath.Base(path); err == nil && !st.IsDir() && !strings.HasPrefix(name, "lock-") {
			l = append(l, "run-time file "+name)
		}
		return err
	})
	if err != nil {
		h.w.t.Fatal(err)
	}
	return l
}

// everything lists all objects of the host, and what else a run leaves.
func (h *host) everything() []string {
	h.w.t.Helper()
	l := h.rest()
	for name := range h.inventory(h.truth()) {
		l = append(l, name)
	}
	slices.Sort(l)
	return l
}

// kills lets a command die at one point after the other, as often as it takes until it
// lives, and calls after with what came of each. The points are not the same each time.
func (h *host) kills(first int, before func(), command []string, after func(point int)) (tried int) {
	h.w.t.Helper()
	for point := first; ; point += coarse() {
		before()
		r := h.toolWith([]string{dieVar + "=" + strconv.Itoa(point)}, command...)
		if r.code == exitOK {
			return tried
		}
		if r.code != -1 {
			h.w.t.Fatalf("point %d: exit code %d\n%s%s", point, r.code, r.out, r.err)
		}
		after(point)
		tried++
	}
}

// Killed anywhere, whatever the change: the next run finishes, and leaves just what one
// leaves that was not killed.
func TestKilledAnywhereOfAnyChange(t *testing.T) {
	names := append(inVM("ipip to vxlan", "create ipip"), "destroy vxlan", "create host-gw", "host-gw to vxlan-over-IPv6", "destroy ipip-per-peer")
	for n, d := range chosen(names...) {
		if d.meddle != nil {
			continue // what others did would have to be done again each time
		}
		t.Run(d.name, func(t *testing.T) {
			h, command := d.prepare(t)
			if r := h.tool(command...); r.code != exitOK {
				t.Fatal(r.err)
			}
			want := h.everything()
			tried := h.kills(1+n%coarse(), func() { h.reset(d, command[2]) }, command, func(point int) {
				if r := h.tool(command...); r.code != exitOK {
					t.Fatalf("after point %d: exit code %d\n%s%s", point, r.code, r.out, r.err)
				}
				if d := cmp.Diff(want, h.everything()); d != "" {
					t.Fatalf("killed at point %d, the next run left (-want +got):\n%s", point, d)
				}
			})
			proved(t, "SIGKILL at a request or after a step of any change, and the command given again", tried, "the next run finishes, and leaves what one leaves that was not killed")
		})
	}
}
