package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// truth is all that iproute2 and /proc/sys say of a host and its namespaces, a line an
// object or value, sorted: what a roll-back has to give back. Left out is what no
// roll-back could: indexes, the numbers of bridge ports, timers, what the kernel learns
// or counts by itself, and what it makes for each link some time after it has come up:
// link-local addresses, multicast groups.
func (h *host) truth() []string {
	h.w.t.Helper()
	names, err := os.ReadDir(h.dir)
	if err != nil {
		h.w.t.Fatal(err)
	}
	l := h.truthOf("")
	for _, n := range names {
		if !n.Type().IsRegular() || !h.isNamespace(n.Name()) {
			l = append(l, "file "+n.Name())
			continue
		}
		l = append(l, "netns "+n.Name())
		l = append(l, h.truthOf(n.Name())...)
	}
	h.door.Close() // an open door would keep a namespace alive that the tool deletes
	slices.Sort(l)
	return l
}

func (h *host) isNamespace(name string) bool {
	return h.door.In(name, func() error { return nil }) == nil
}

// look is run in each namespace: JSON lines, then values of sysctls.
const look = `
printf 'link show\naddress show\nroute show table all\nneighbour show nud permanent\nrule show\n' | ip -4 -d -j -batch -
printf 'address show\nroute show table all\nneighbour show nud permanent\nrule show\n' | ip -6 -d -j -batch -
bridge -d -j fdb show
cd /proc/sys/net
grep -rs . ipv4/conf ipv6/conf ipv4/ip_forward | grep -v stable_secret
`

func (h *host) truthOf(netns string) []string {
	h.w.t.Helper()
	r := h.in(netns, "sh", "-c", look)
	var l []string
	section := ""
	for line := range strings.Lines(r.out) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "[") || strings.HasPrefix(line, "{"):
			l = append(l, h.objects(netns+section, line)...)
		default:
			l = append(l, netns+" "+line)
		}
	}
	if len(l) == 0 {
		h.w.t.Fatalf("%s/%s: nothing is there: %s", h.name, netns, r.err)
	}
	return l
}

// objects reads a JSON array of iproute2's.
func (h *host) objects(where, text string) []string {
	h.w.t.Helper()
	var list []map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var l []string
	for dec.More() {
		if err := dec.Decode(&list); err != nil {
			h.w.t.Fatalf("%s: %v: %s", h.name, err, text)
		}
		for _, m := range list {
			strip(m)
			if len(m) == 0 || ephemeral(m) {
				continue
			}
			b, err := json.Marshal(m)
			if err != nil {
				h.w.t.Fatal(err)
			}
			l = append(l, where+" "+string(b))
		}
	}
	return l
}

// ephemeral says whether an object is the kernel's own and comes and goes.
func ephemeral(m map[string]any) bool {
	text := func(key string) string {
		s, _ := m[key].(string)
		return s
	}
	mac, dst, local := text("mac"), text("dst"), text("local")
	switch addresses, ok := m["addr_info"].([]any); {
	case ok && len(addresses) == 0:
		return true // the link is listed for itself
	case mac != "":
		return !slices.Contains([]string{"permanent", "static"}, text("state")) || strings.HasPrefix(mac, "33:33:") || strings.HasPrefix(mac, "01:00:5e:")
	case local != "":
		return strings.HasPrefix(local, "fe80:")
	}
	return strings.HasPrefix(dst, "fe80:") || strings.HasPrefix(dst, "ff00:")
}

// strip takes out what changes by itself.
func strip(m map[string]any) {
	if m["addr_info"] != nil || m["linkinfo"] != nil {
		delete(m, "link") // the other end of a veth: an index, or the name of whatever has it here
	}
	for k, v := range m {
		switch v := v.(type) {
		case map[string]any:
			if k == "info_slave_data" {
				for _, number := range []string{"id", "no", "designated_port"} {
					delete(v, number)
				}
			}
			strip(v)
		case []any:
			m[k] = slices.DeleteFunc(v, func(e any) bool {
				x, ok := e.(map[string]any)
				if ok {
					strip(x)
				}
				return ok && ephemeral(x)
			})
		}
		if strings.HasSuffix(k, "_timer") || slices.Contains([]string{
			"ifindex", "link_index", "link_netnsid", "operstate", "tentative", "dadfailed", "expires", "valid_life_time", "preferred_life_time", "cache", "fdb_n_learned",
		}, k) {
			delete(m, k)
		}
	}
}

// settledTruth is the truth when it has stopped changing: addresses and carriers come
// up a little later than their devices, and their routes later still.
func (h *host) settledTruth() []string {
	h.w.t.Helper()
	const quiet = 1200 * time.Millisecond // the kernel tells of a lost carrier once in a second (linkwatch_run_queue)
	last, since := h.truth(), time.Now()
	h.w.until("the host has settled", func() bool {
		now := h.truth()
		if !slices.Equal(last, now) {
			last, since = now, time.Now()
		}
		return time.Since(since) > quiet && routed(now)
	})
	return last
}

var local6, route6 = regexp.MustCompile(`"local":"[0-9a-f]*:[0-9a-f:.]*"`), regexp.MustCompile(`"dst":("[0-9a-f]*:[0-9a-f:.]*").*"type":"local"`)

// routed says whether each IPv6 address has its local route. The kernel's worker that
// makes these (addrconf_dad_work) waits in line with all who change a network namespace of
// the machine: that takes longer than any quiet, and shows in no flag of the address.
func routed(truth []string) bool {
	there := map[string]bool{}
	for _, l := range truth {
		if m := route6.FindStringSubmatch(l); m != nil {
			netns, _, _ := strings.Cut(l, " ")
			there[netns+m[1]] = true
		}
	}
	return !slices.ContainsFunc(truth, func(l string) bool {
		netns, _, _ := strings.Cut(l, " ")
		return slices.ContainsFunc(local6.FindAllString(l, -1), func(a string) bool { return !there[netns+strings.TrimPrefix(a, `"local":`)] })
	})
}

// becomes waits until the host is as it was, and returns what is not so: "- " before
// lines that are missing, "+ " before those too many.
func (h *host) becomes(want []string) []string {
	h.w.t.Helper()
	var d []string
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		d = lineDiff(want, h.truth())
		if len(d) == 0 || time.Now().After(end) {
			return d
		}
	}
}

func lineDiff(want, got []string) []string {
	count := map[string]int{}
	for _, l := range want {
		count[l]++
	}
	var d []string
	for _, l := range got {
		if count[l]--; count[l] < 0 {
			d = append(d, "+ "+l)
		}
	}
	for _, l := range want {
		if count[l] > 0 {
			count[l]--
			d = append(d, "- "+l)
		}
	}
	return d
}
