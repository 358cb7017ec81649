package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// starter is a Starter with nodes "name=address", and a schema.
func starter(name, backend string, nodes ...string) spec.Starter {
	s := spec.Starter{Name: name, Backend: backend, Schema: "s.json"}
	for _, n := range nodes {
		name, addresses, _ := strings.Cut(n, "=")
		s.Nodes = append(s.Nodes, spec.StarterNode{Name: name, Addresses: strings.Split(addresses, "+")})
	}
	return s
}

// What is written is valid, to the decoder and by the schema, has the names and addresses
// that were asked for, and begins with the place of the schema.
func TestStarter(t *testing.T) {
	s := compiled(t, schema.TopologyName)
	var fleet []string
	for i := range 600 { // more than a /16 has
		fleet = append(fleet, fmt.Sprintf("n%d=192.168.%d.%d", i, i/250, 1+i%250))
	}
	for _, tc := range []struct {
		name  string
		from  spec.Starter
		first string // subnet; "": 10.64.1.0/24
	}{
		{"as an example", starter("example", spec.VXLAN), ""},
		{"host-gw", starter("a", spec.HostGW), ""},
		{"ipip", starter("a", spec.IPIP), ""},
		{"one node", starter("a", spec.VXLAN, "vm1=192.0.2.1"), ""},
		{"two families", starter("a", spec.VXLAN, "vm1=192.0.2.1+2001:db8::1", "vm2=192.0.2.2+2001:db8::2"), ""},
		{"IPv6 only", starter("a", spec.VXLAN, "vm1=2001:db8::1", "vm2=2001:db8::2"), ""},
		{"names that YAML takes for something else", starter("no", spec.VXLAN, "null=192.0.2.1", "245=192.0.2.2", "true=192.0.2.3", "1.5=192.0.2.4"), ""},
		{"an underlay in the first block", starter("a", spec.VXLAN, "a=10.64.0.1", "b=10.64.0.2"), "172.16.1.0/24"},
		{"an underlay in two blocks", starter("a", spec.VXLAN, "a=10.64.0.1", "b=172.20.0.2"), "100.64.1.0/24"},
		{"a fleet", starter("a", spec.VXLAN, fleet...), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := tc.from.Text()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(text, "# yaml-language-server: $schema=s.json\n") {
				t.Errorf("it begins with %q", text[:60])
			}
			top, problems := parse(text)
			if top == nil || len(problems) > 0 {
				t.Fatalf("%v\n%s", problems, text)
			}
			doc, err := document(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range readers {
				if err := s.Validate(valueOf(doc, r.scalar)); err != nil {
					t.Errorf("the schema refuses it as %s reads it: %v", r.name, err)
				}
			}
			if len(tc.from.Nodes) == 0 {
				return
			}
			if top.Name != tc.from.Name || top.Backend.Type != tc.from.Backend || len(top.Nodes) != len(tc.from.Nodes) {
				t.Errorf("%s by %s, with %d nodes", top.Name, top.Backend.Type, len(top.Nodes))
			}
			for _, want := range tc.from.Nodes {
				if !strings.Contains(text, strings.Join(want.Addresses, `, "`)) {
					t.Errorf("there is no %v", want)
				}
			}
			first := tc.first
			if first == "" {
				first = "10.64.1.0/24"
			}
			if !strings.Contains(text, strings.Replace(first, ".0/24", ".1/24", 1)) {
				t.Errorf("no bridge is in %s:\n%s", first, text)
			}
		})
	}
}

// What would not be valid is refused, with all that is wrong; nothing of a hostile name
// becomes a part of the file.
func TestStarterRefuses(t *testing.T) {
	many := starter("a", spec.VXLAN)
	for i := range 20000 {
		many.Nodes = append(many.Nodes, spec.StarterNode{Name: fmt.Sprintf("n%d", i), Addresses: []string{"192.0.2.1"}})
	}
	placed := func(schema string) spec.Starter {
		s := starter("a", spec.VXLAN)
		s.Schema = schema
		return s
	}
	for _, tc := range []struct {
		name string
		from spec.Starter
		want []string
	}{
		{"all at once", starter("a b", "vxlna", "a=1.2.3"), []string{`name: the topology's name consists`, `backend: "vxlna" is not a backend; did you mean "vxlan"?`, `nodes.a.address: "1.2.3" is not an IP address`}},
		{"no name", starter("", spec.VXLAN), []string{"name: the topology's name is wanted here, not an empty text"}},
		{"a name of two lines", starter("a\nx-b: c", spec.VXLAN), []string{"the topology's name consists of letters"}},
		{"a name with quotes", starter(`a"`, spec.VXLAN), []string{"the topology's name consists of letters"}},
		{"a node of two lines", starter("a", spec.VXLAN, "a:\n  b=192.0.2.1"), []string{"a node's name consists of letters"}},
		{"a node that is left out", starter("a", spec.VXLAN, "x-a=192.0.2.1", "b=192.0.2.2"), []string{`begins with "x-"`}},
		{"only nodes that are left out", starter("a", spec.VXLAN, "x-a=192.0.2.1"), []string{`begins with "x-"`}},
		{"an address of YAML", starter("a", spec.VXLAN, "a=}\nx: {"), []string{"is not an IP address"}},
		{"the same address", starter("a", spec.VXLAN, "a=192.0.2.1", "b=192.0.2.1"), []string{"is the address of another node, too"}},
		{"ipip on IPv6", starter("a", spec.IPIP, "a=2001:db8::1"), []string{"ipip needs an IPv4 underlay"}},
		{"an underlay everywhere", starter("a", spec.VXLAN, "a=10.64.0.1", "b=172.20.0.2", "c=100.64.0.1", "d=10.0.0.1"), []string{"choose subnets"}},
		{"too many", many, []string{"choose subnets"}},
		{"a schema with a space", placed("a b"), []string{"has white space"}},
		{"a schema of two lines", placed("a\nname: b"), []string{"has white space"}},
		{"a schema with an escape", placed("a\x1b[31m"), []string{"cannot be printed"}},
	} {
		text, err := tc.from.Text()
		if err == nil {
			t.Errorf("%s: accepted:\n%s", tc.name, text)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", tc.name, want, err)
			}
		}
	}
}
