package spec_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// named is a topology in which one name, in one place, is the given text.
func named(t *testing.T, place, name string) []byte {
	t.Helper()
	b, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"topology": `"t"`, "node": `"n"`, "namespace": `"ns"`, "sysctl": `"net.ipv4.ip_forward"`}
	names[place] = string(b)
	return fmt.Appendf(nil, `{"apiVersion": "netplan-overlay/v1", "name": %s, "backend": "vxlan", "nodes": {
		%s: {"address": "192.0.2.1", "bridges": {"br0": "10.1.0.1/24"},
			"namespaces": {%s: {"interfaces": {"eth0": "10.1.0.2/24"}, "sysctls": {%s: "1"}}}}}}`,
		names["topology"], names["node"], names["namespace"], names["sysctl"])
}

// escapes says what the names of a topology would be, as parts of paths, that is no
// file in its directory.
func escapes(top *spec.Topology) string {
	for _, n := range top.Nodes {
		dirs := []string{top.Name + "@" + n.Name, n.Name}
		for _, ns := range n.Namespaces {
			dirs = append(dirs, ns.Name)
		}
		for _, d := range dirs {
			if err := kernel.CheckComponent(d); err != nil || filepath.Dir(filepath.Join("/run", d)) != "/run" {
				return fmt.Sprintf("%q: %v", d, err)
			}
		}
	}
	return ""
}

// nasty are texts that lead out of a directory, or into a place that means something.
var nasty = [...]string{
	"", ".", "..", "/", "../..", "a/b", "a/../..", "/etc/passwd", "..\x00", "a\x00b", ".\n.", "~", "a b", "%2e%2e%2f", "．．", "-rf", "net.//.//.x",
}

// No name that the decoder accepts leads out of its directory: neither one of those
// that are known to try, nor one of many random ones.
func TestNamesStayInTheirDirectory(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	accepted := map[string]int{}
	for _, place := range []string{"topology", "node", "namespace", "sysctl"} {
		try := func(name string) {
			top, _ := spec.Parse([]spec.Source{{Name: "a.json", Data: named(t, place, name)}})
			if top == nil {
				return
			}
			accepted[place]++
			if out := escapes(top); out != "" {
				t.Errorf("the %s %q is accepted, and leads out: %s", place, name, out)
			}
		}
		for _, name := range nasty {
			try(name)
		}
		const letters = "..//ab0-_\\ ~%\x00"
		for range 3000 {
			var b strings.Builder
			for range 1 + r.IntN(5) {
				b.WriteByte(letters[r.IntN(len(letters))])
			}
			try(b.String())
		}
		try("net.ipv4.conf.all.forwarding")
	}
	for _, place := range []string{"topology", "node", "namespace", "sysctl"} {
		if accepted[place] == 0 {
			t.Errorf("no %s at all was accepted", place)
		}
	}
}
