package apply_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// told is what iproute2 tells of a host and its namespaces, without what differs from
// one making to the next, or comes a while later: indexes, timers, carriers, and what
// IPv6 does by itself.
func (w *twin) told() map[string]any {
	w.Helper()
	list, err := w.real.Netns(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	all := map[string]any{"namespaces": fmt.Sprint(list)}
	names := []string{""}
	for _, n := range list {
		names = append(names, n.Name)
	}
	for _, n := range names {
		questions := [][]string{{"ip", "-j", "-d", "address"}, {"ip", "-j", "-d", "route"}, {"ip", "-j", "-d", "-6", "route"}}
		if n == "" {
			questions = append(questions, []string{"ip", "-j", "-d", "neighbour", "show", "nud", "permanent"}, []string{"bridge", "-j", "-d", "fdb"})
		}
		for _, args := range questions {
			all[n+": "+strings.Join(args, " ")] = w.ask(n, args)
		}
	}
	return all
}

// ask returns what a command tells.
func (w *twin) ask(netns string, args []string) any {
	w.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := w.real.In(netns, cmd.Start); err != nil {
		w.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		w.Fatalf("%v: %v: %s", args, err, errs.String())
	}
	var v any
	if strings.TrimSpace(out.String()) == "" {
		return nil
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		w.Fatalf("%v: %v\n%s", args, err, out.String())
	}
	return lasting(v)
}

// fleeting are the names of what differs between hosts that are alike.
var fleeting = []string{
	"ifindex", "link_index", "link_netnsid", "operstate", "flags", "bridge_id", "root_id", "designated_bridge", "designated_root",
	"topology_change", "topology_change_detected", "fdb_n_learned",
}

// lasting leaves away what differs between hosts that are alike.
func lasting(v any) any {
	switch v := v.(type) {
	case []any:
		l := slices.DeleteFunc(v, transient)
		for i := range l {
			l[i] = lasting(l[i])
		}
		return sorted(l)
	case map[string]any:
		for k, x := range v {
			mac, _ := x.(string)
			switch {
			case slices.Contains(fleeting, k), strings.HasSuffix(k, "_timer"):
				delete(v, k)
			case (k == "address" || k == "mac") && len(mac) == 17 && !ofGenerator(mac):
				v[k] = "given by the kernel"
			case k == "addr_info":
				v[k] = unmarked(x)
			default:
				v[k] = lasting(x)
			}
		}
	}
	return v
}

// unmarked leaves away the protocol of addresses, which a script may not be able to set.
func unmarked(v any) any {
	l, _ := v.([]any)
	for _, a := range l {
		if m, ok := a.(map[string]any); ok {
			delete(m, "protocol")
		}
	}
	return lasting(v)
}

// transient says whether a row is one that the kernel makes by itself, a while later, or
// never: what a bridge learns hangs on which packets were under way when.
func transient(v any) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	text := func(k string) string { s, _ := m[k].(string); return s }
	learned := text("mac") != "" && !slices.Contains([]string{"permanent", "static"}, text("state"))
	return learned || text("dst") == "fe80::/64" || text("dst") == "ff00::/8" || strings.HasPrefix(text("local"), "fe80:") ||
		strings.HasPrefix(text("mac"), "33:33:") || strings.HasPrefix(text("mac"), "01:00:5e:")
}

// sorted puts rows in an order that doesn't depend on when they were made.
func sorted(l []any) []any {
	slices.SortFunc(l, func(a, b any) int {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Compare(x, y)
	})
	return l
}

// ofGenerator says whether a MAC is one that a topology or a drift has; the kernel
// gives random ones.
func ofGenerator(mac string) bool {
	return slices.ContainsFunc([]string{"02:00:00:", "02:08:08:", "02:09:09:"}, func(p string) bool { return strings.HasPrefix(mac, p) })
}
