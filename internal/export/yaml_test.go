package export

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Whatever a name is made of, the file's reader gets it back, and no other reader of
// YAML takes it for a number or a truth.
func TestNames(t *testing.T) {
	names := []string{"yes", "No", "null", "~", "true", "12", "012", "1e3", "0x1", "1:30", ".5", "-", "- a", "a: b", "[a]", "{}", "10.1", "...", "---"}
	for c := '!'; c <= '~'; c++ {
		if c != '/' {
			names = append(names, string(c), string(c)+"a", "a"+string(c), "a"+string(c)+"b")
		}
	}
	for _, flow := range []bool{false, true} {
		for _, name := range names {
			if name == "." || name == "..." || name == "- a" || name == "a: b" {
				continue // no names, or with a space
			}
			n := &node{name: "vm1", addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, namespaces: []*namespace{{name: name}}}
			top := &topology{name: "a", backend: backend{kind: spec.HostGW}, nodes: []*node{n}}
			text := top.write(!flow).String()
			got, problems := spec.Parse([]spec.Source{{Name: "x", Data: []byte(text)}})
			if got == nil {
				t.Errorf("%q: %v\n%s", name, problems, text)
				continue
			}
			if l := got.Nodes[0].Namespaces; len(l) != 1 || l[0].Name != name {
				t.Errorf("%q is read as %+v:\n%s", name, l, text)
			}
		}
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"br0": "br0", "vxlan.1": "vxlan.1", "10.0.0.1": "10.0.0.1", "10.0.0.0/8": "10.0.0.0/8", "fd42:1::1/64": "fd42:1::1/64",
		"52:3a:8c:c9:08:e8": `"52:3a:8c:c9:08:e8"`, "no": `"no"`, "Off": `"Off"`, "12": `"12"`, "1.5": `"1.5"`, "fe80::": `"fe80::"`, "::1": `"::1"`,
		"a b": `"a b"`, "a\"\\": `"a\"\\"`, "\n\xff": `"\x0a\xff"`, "": `""`, "x%eth0": `"x%eth0"`,
	} {
		if got := quoted(in); got != want {
			t.Errorf("%s (-want +got):\n%s", in, cmp.Diff(want, got))
		}
	}
}
