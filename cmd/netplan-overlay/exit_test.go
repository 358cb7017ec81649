package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// inventory turns a truth into the objects in it, by the names that the tool has for them,
// each with what the tool is answerable for.
func (h *host) inventory(truth []string) map[string]string {
	h.w.t.Helper()
	l := map[string]string{}
	for _, line := range truth {
		where, text, ok := strings.Cut(line, " ")
		if where == "netns" || where == "file" { // left of one
			l["netns "+text] = where
		}
		if name, value, found := strings.Cut(text, ":"); where == "" && found && slices.Contains([]string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"}, name) {
			l["sysctl net."+strings.ReplaceAll(name, "/", ".")] = value
		}
		if !ok || !strings.HasPrefix(text, "{") {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			h.w.t.Fatal(err)
		}
		in := ""
		if where != "" {
			in = " in netns " + where
		}
		if up := strings.Contains(fmt.Sprint(m["flags"]), "UP"); where != "" && m["ifname"] == "lo" && m["mtu"] != nil {
			l["netns "+where] += fmt.Sprint(up)
		}
		for name, value := range named(m) {
			l[name+in] = value
		}
	}
	return l
}

// named returns the objects that one of iproute2's is.
func named(m map[string]any) map[string]string {
	text := func(key string) string {
		if m[key] == nil {
			return ""
		}
		return fmt.Sprint(m[key])
	}
	up := strings.Contains(text("flags"), "UP")
	switch addresses, ok := m["addr_info"].([]any); {
	case text("ifname") == "lo":
		return nil
	case ok:
		l := map[string]string{}
		for _, a := range addresses {
			a := a.(map[string]any)
			l[fmt.Sprintf("address %v/%v on %s", a["local"], a["prefixlen"], text("ifname"))] = ""
		}
		return l
	case text("mac") != "" && text("dst") != "":
		return map[string]string{"fdb " + text("mac") + " on " + text("ifname"): text("dst")}
	case text("lladdr") != "":
		return map[string]string{"neighbour " + text("dst") + " on " + text("dev"): text("lladdr")}
	case text("protocol") == "157":
		name := "route " + text("dst")
		if strings.Contains(text("gateway"), ":") && text("dst") == "default" {
			name += " (IPv6)"
		}
		return map[string]string{name: text("gateway") + text("dev") + fmt.Sprint(strings.Contains(text("flags"), "onlink"))}
	case text("linkinfo") != "" && text("ifname") != "":
		return map[string]string{"link " + text("ifname"): fmt.Sprint(text("mtu"), text("address"), text("master"), text("ifalias"), text("group"), up)}
	}
	return nil
}

// unlike returns the objects that differ between two truths.
func (h *host) unlike(before, after []string) []string {
	h.w.t.Helper()
	a, b := h.inventory(before), h.inventory(after)
	var l []string
	for name, value := range a {
		if got, ok := b[name]; !ok || got != value {
			l = append(l, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			l = append(l, name)
		}
	}
	slices.Sort(l)
	return l
}

// A roll-back that fails, too: the exit code is 4 where anything is not as it was, and
// each such object is named; else it is 3.
func TestFailedRollBackIsTold(t *testing.T) {
	hostOnly(t)
	if sameThere(t) {
		return
	}
	tried := map[int]int{}
	for n, d := range chosen("destroy vxlan", "host-gw to vxlan", "repair links") {
		if d.args != nil {
			continue // what is not ours would have to be made again each time
		}
		t.Run(d.name, func(t *testing.T) {
			h, command := d.prepare(t)
			before := h.truth()
			old := command[2]
			for point := 1 + n%coarse(); ; point += coarse() {
				ended := false
				for _, more := range []string{"+", fmt.Sprintf(",%d", point+1), fmt.Sprintf(",%d,%d,%d", point+2, point+3, point+5)} {
					r := h.toolWith([]string{failVar + "=" + strconv.Itoa(point) + more}, command...)
					if ended = r.code == exitOK; ended {
						break
					}
					tried[r.code]++
					after := h.truth()
					if unlike := h.unlike(before, after); !trueReport(t, r, unlike) {
						t.Fatalf("requests %d%s: exit code %d; not as it was: %q\n%s", point, more, r.code, unlike, r.err)
					}
					before = h.reset(d, old)
				}
				if ended {
					break
				}
			}
		})
	}
	if tried[exitStuck] == 0 {
		t.Error("no roll-back was incomplete")
	}
	proved(t, "a request is refused, and some of those of the roll-back, too", tried[exitRolledBack]+tried[exitStuck],
		fmt.Sprintf("%d times exit code 3 and all as before; %d times 4, and each object is named that is not", tried[exitRolledBack], tried[exitStuck]))
}

// trueReport says whether the report fits to what is not as it was.
func trueReport(t *testing.T, r result, unlike []string) bool {
	t.Helper()
	want := exitRolledBack
	if len(unlike) > 0 {
		want = exitStuck
	}
	ok := r.code == want
	for _, name := range unlike {
		if !strings.Contains(r.err, name) {
			t.Errorf("%s is not named", name)
			ok = false
		}
	}
	return ok
}

// reset brings the host back to where the deed begins, and returns its truth.
func (h *host) reset(d deed, file string) []string {
	h.w.t.Helper()
	if d.from == "" {
		if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK {
			h.w.t.Fatalf("destroy: %s", r.err)
		}
	} else {
		h.apply(h.w.file("from.yaml", d.from))
	}
	if d.meddle != nil {
		d.meddle(h)
	}
	return h.truth()
}

// A step that finds the host changed by others leads to a fresh look and a fresh plan,
// three times at most.
func TestRaceLeadsToFreshPlan(t *testing.T) {
	hostOnly(t)
	for i, tc := range []struct {
		points string
		errno  syscall.Errno
		code   int
		plans  int
	}{
		{"1", syscall.EEXIST, exitOK, 2},
		{"1,2", syscall.ENOENT, exitOK, 3},
		{"9", syscall.EBUSY, exitOK, 2},
		{"1,2,3", syscall.ESRCH, exitRolledBack, 3},
		{"1", syscall.EIO, exitRolledBack, 1},
	} {
		if slow() && i > 0 {
			continue // it is slow
		}
		t.Run(fmt.Sprintf("%s at %s", tc.errno, tc.points), func(t *testing.T) {
			w := newWorld(t, underlay)
			h := w.hosts[0]
			file := w.file("topology.yaml", plentiful("vxlan", 2, 3))
			var before []string
			if tc.code != exitOK {
				before = h.settledTruth()
			}
			r := h.toolWith([]string{failVar + "=" + tc.points, failOfVar + "=" + strconv.Itoa(int(tc.errno))}, "apply", "-f", file, "--auto-approve")
			if plans := strings.Count(r.out, "\nPlan: "); r.code != tc.code || plans != tc.plans {
				t.Errorf("exit code %d after %d plans, want %d after %d\n%s%s", r.code, plans, tc.code, tc.plans, r.out, r.err)
			}
			if r.code != exitOK {
				if d := h.becomes(before); len(d) > 0 {
					t.Errorf("the host is not as it was:\n%s", strings.Join(d, "\n"))
				}
				return
			}
			h.converged(file)
			proved(t, "a request finds that another program was faster (EEXIST, ENOENT, EBUSY)", 1, "looked at anew, planned anew: exit code 0")
		})
	}
}
