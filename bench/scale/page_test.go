package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// known are results with times that are easily told apart.
func known() *results {
	r := &results{Left: []string{"a peer: not installed"}}
	for _, n := range []int{1000, 10_000} {
		t := time.Duration(n) * time.Microsecond
		for way, took := range map[string]time.Duration{
			"floor": t, "apply": 2 * t, "ip -batch": 6 * t, "library": 20 * t, "systemd-networkd": 50 * t,
			"plan": 3 * t, "yaml": 2 * t, "dump": t / 10, "room write": t * 11 / 10, "room facts": t / 100, "room observe": t / 10, "room diff": t / 100,
			"plan, one changed": 3 * t, "apply, one changed": 6 * t, "writes, one changed": 1,
		} {
			for _, by := range []time.Duration{1, 0, 2} { // nanoseconds: the one in the middle counts
				if way == "writes, one changed" {
					by = 0
				}
				r.add("vxlan", n, way, sample{Time: took + by, Peak: n})
			}
		}
		r.add("foreign", n, "none", sample{Time: t})
		r.add("foreign", n, "2,000 links", sample{Time: t * 3 / 2})
		r.add("foreign", n, "2,000 links, kernel part", sample{Time: t / 2})
		r.add("foreign", n, "2,000 links, bare dumps", sample{Time: t / 4})
		r.add("foreign", n, "none, destroy", sample{Time: t, Peak: 2048})
		r.add("foreign", n, "2,000 links, destroy", sample{Time: 3 * t, Peak: 4096})
	}
	return r
}

func TestPage(t *testing.T) {
	dir := t.TempDir()
	page, plot := filepath.Join(dir, "page.md"), filepath.Join(dir, "page.svg")
	if err := writePage([]*results{known()}, page, plot); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"![time over peers](page.svg)",
		"| 1,000 | 1.00 (3) | 2.00 (3) | 2.00 | 1.10 (3) | 1.10 | 6.00 (3) | 3.00 | 20.0 (3) | 10.00 | 50.0 (3) |",
		"| vxlan | `apply` from nothing, to the floor of the writes | at most 1.3 | 2.00 (1,000), 2.00 (10,000) | no |",
		"| vxlan | kernel part of a plan with nothing to do, to bare dumps | at most 1.5 | 1.20 (1,000), 1.20 (10,000) | yes |",
		"| vxlan | requests for one changed peer | at most 1 | 1.00 (1,000), 1.00 (10,000) | yes |",
		"| vxlan | memory of `plan` in MB, 10,000 peers | at most 40 | 10.24 (10,000) | yes |",
		"| 10,000 | 2,000 links | 15.0 (1) | 1.50 | 5.00 (1) | 2.50 (1) | 2.00 |",
		"| 10,000 | 2,000 links | - | - | - | 30.0 (1) | 3.00 | 4.0 MiB |",
		"- a peer: not installed",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the page lacks\n%s\n%s", want, b)
		}
	}
	b, err = os.ReadFile(plot)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(string(b), "<polyline"); n != 6 {
		t.Errorf("the plot has %d curves, not 6", n)
	}
}

// What is measured must be topologies that the program takes.
func TestTopologies(t *testing.T) {
	for name, text := range map[string]string{
		"vxlan": topology("vxlan", 3000, 0), "moved": topology("host-gw", 1001, 500), "ipip": topology("ipip", 10, 0), "crowd": crowd(1000),
	} {
		top, problems := spec.Parse([]spec.Source{{Name: name, Data: []byte(text)}})
		if top == nil || len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if !strings.Contains(topology("vxlan", 1001, 500), "  n00500:\n    address: "+away+"\n") {
		t.Error("no node has moved")
	}
}
