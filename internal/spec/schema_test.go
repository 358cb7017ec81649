package spec_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// compiled returns a schema, ready to be used.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, ok := schema.Text(name)
	if !ok {
		t.Fatal("there is no schema")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("topology.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("topology.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asEditor takes a scalar as editors do, which know numbers, booleans and null.
func asEditor(n *yaml.Node) any {
	var v any
	_ = n.Decode(&v) // else it is null
	return v
}

// asDecoder takes a scalar as the decoder does: as the text that stands there.
func asDecoder(n *yaml.Node) any {
	if n.Tag == "!!null" && n.Style == 0 {
		return nil
	}
	return n.Value
}

var readers = []struct {
	name   string
	scalar func(*yaml.Node) any
}{{"an editor", asEditor}, {"the decoder", asDecoder}}

// document parses a file's first document.
func document(text string) (*yaml.Node, error) {
	var n yaml.Node
	err := yaml.Unmarshal([]byte(text), &n)
	return &n, err
}

func valueOf(n *yaml.Node, scalar func(*yaml.Node) any) any {
	switch n.Kind {
	case 0:
		return nil // an empty file
	case yaml.DocumentNode:
		return valueOf(n.Content[0], scalar)
	case yaml.AliasNode:
		return valueOf(n.Alias, scalar)
	case yaml.SequenceNode:
		l := []any{}
		for _, item := range n.Content {
			l = append(l, valueOf(item, scalar))
		}
		return l
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = valueOf(n.Content[i+1], scalar)
		}
		return m
	}
	return scalar(n)
}

// sounds are topologies with nothing wrong: the examples, those of the golden stories and
// of the documents, and what is allowed but seldom written.
func sounds(t *testing.T) map[string]string {
	t.Helper()
	l := map[string]string{"the sound one": sound}
	for _, pattern := range []string{"../../examples/*.yaml", "../../testdata/golden/*.txtar", "../../docs/topology.md", "../../README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: nothing, %v", pattern, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range topologiesIn(string(b)) {
				l[fmt.Sprintf("%s %d", filepath.Base(f), i)] = text
			}
		}
	}
	for name, change := range seldom {
		text := strings.Replace(sound, change[0], change[1], 1)
		if text == sound {
			t.Fatalf("%s: %q is not in the sound topology", name, change[0])
		}
		l[name] = text
	}
	return l
}

// topologiesIn returns the topologies in a text: each begins with its apiVersion, and ends
// where a block of a document or a file of an archive does.
func topologiesIn(text string) []string {
	var l []string
	end := regexp.MustCompile("(?m)^(```|-- )")
	for part := range strings.SplitSeq(text, "\napiVersion:") {
		if part, ok := strings.CutPrefix(part, " "); ok {
			part = "apiVersion: " + part
			if at := end.FindStringIndex(part); at != nil {
				part = part[:at[0]]
			}
			l = append(l, part)
		}
	}
	if strings.HasPrefix(text, "apiVersion:") {
		l = append(l, text)
	}
	return l
}

// seldom are changes of the sound topology that leave it sound: every form that a value
// may have.
var seldom = map[string][2]string{
	"backend in short":             {"{type: vxlan, vni: 1, port: 8472}", "vxlan"},
	"numbers in quotes":            {"vni: 1, port: 8472}\nmtu: 1500", "vni: \"1\", port: '8472'}\nmtu: \"1500\""},
	"flags in quotes":              {"overlay: true", "overlay: \"true\""},
	"numbers as names":             {"name: classic", "name: 245"},
	"a flag as name":               {"name: classic", "name: true"},
	"a node named by a number":     {"  vm2:", "  2:"},
	"a bridge named by a number":   {"br2:", "2:"},
	"a device named by a number":   {"device: vtep1", "device: 1"},
	"own keys":                     {"name: classic", "name: classic\nx-a: {b: [1]}"},
	"own keys in a node":           {"    interface: eth0", "    interface: eth0\n    x-a: {b: [1]}"},
	"own keys among nodes":         {"  vm2:", "  x-vm3: {a: b}\n  vm2:"},
	"own keys among bridges":       {"{br2:", "{x-/: 1, br2:"},
	"own keys among sysctls":       {"{net.ipv4.ip_forward: 1}", "{x-a: {b: c}}"},
	"nothing for bridges":          {"{br2: 10.2.0.1/24}\n    namespaces: {web: 10.2.0.2/24}", "\n    namespaces:\n    overlay:"},
	"nothing for a bridge":         {"{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/24, br3: }"},
	"no addresses for a bridge":    {"{br2: 10.2.0.1/24}", "{br2: 10.2.0.1/24, br3: [], br4: {}, br5: {addresses: }, br6: {addresses: []}}"},
	"nothing for a namespace":      {"{web: 10.2.0.2/24}", "{web: 10.2.0.2/24, db: , fw: {}, gw: {interfaces: , routes: , sysctls: }}"},
	"no addresses":                 {"{web: 10.2.0.2/24}", "{web: {interfaces: {eth0: {bridge: br2, addresses: }, eth1: {bridge: br2, addresses: []}, eth2: {bridge: br2}}}}"},
	"an interface in short":        {"{web: 10.2.0.2/24}", "{web: {interfaces: {eth0: 10.2.0.2/24, eth1: [10.2.0.3/24]}}}"},
	"no routes":                    {"[{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]", "[]"},
	"routes of all kinds":          {"[{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]", "[{to: default, via: 10.1.0.1}, {to: 10.9.0.0/16, dev: eth0}, {to: 10.8.0.1, via: 10.1.0.1}, {to: 0.0.0.0/0, dev: eth0, metric: 7}, {to: \"::/0\", dev: eth0}, {to: \"fd00::/8\", dev: eth0}]"},
	"a metric as large as can be":  {"metric: 5", "metric: 4294967295"},
	"defaults":                     {"mtu: 1500", "mtu: 1500\ndefaults: {node: {interface: eth9, overlay: {device: v, mtu: 1400}}, bridge: {mtu: 1400, overlay: false}, namespace: {mtu: 1400, sysctls: {net.ipv4.conf.eth0.rp_filter: 2}}}"},
	"nothing for defaults":         {"mtu: 1500", "mtu: 1500\ndefaults: {node: , bridge: , namespace: }"},
	"nothing for all defaults":     {"mtu: 1500", "mtu: 1500\ndefaults:"},
	"two families":                 {"address: 192.168.32.1\n", "address: [192.168.32.1, \"2001:db8::1\"]\n"},
	"overlay address alone":        {"address: 10.1.0.0/32", "address: 10.1.0.0"},
	"overlay addresses":            {"address: 10.1.0.0/32", "address: [10.1.0.0, fd09::/128]"},
	"no overlay address":           {"address: 10.1.0.0/32", "address: []"},
	"MAC with hyphens":             {`"02:00:00:00:02:01"`, `"02-00-00-00-02-01"`},
	"sysctl of text":               {"{net.ipv4.ip_forward: 1}", "{net.ipv4.ip_local_port_range: 1024 65535}"},
	"sysctl of a device":           {"{net.ipv4.ip_forward: 1}", "{net.ipv4.conf.eth0.rp_filter: 1}"},
	"IPv6 bridge":                  {"{br2: 10.2.0.1/24}", "{br2: [10.2.0.1/24, fd00::1/64, \"fd01:2:3:4:5:6:7:8/64\", \"fd02::10.0.0.1/120\"]}"},
	"aliases":                      {"address: 192.168.32.2", "address: &a 192.168.32.2\n    x-b: *a"},
	"as large and small as can be": {"mtu: 1450, mac: \"02:00:00:00:02:01\"", "mtu: 68, mac: \"fe:ff:ff:ff:ff:ff\""},
}

// What the decoder takes, the schema takes, in a decoder's and in an editor's reading.
func TestSchemaAccepts(t *testing.T) {
	s := compiled(t, schema.TopologyName)
	l := sounds(t)
	if len(l) < 60 {
		t.Errorf("there are only %d sound topologies", len(l))
	}
	for name, text := range l {
		if top, problems := parse(text); top == nil {
			t.Errorf("%s: the decoder refuses it: %v", name, problems)
		}
		doc, err := document(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range readers {
			if err := s.Validate(valueOf(doc, r.scalar)); err != nil {
				t.Errorf("%s, as %s reads it: %v", name, r.name, err)
			}
		}
	}
}

// A file of several may lack what stands in another one; else it is like a single one.
func TestSchemaPart(t *testing.T) {
	s := compiled(t, schema.PartName)
	for text, want := range map[string]bool{
		sound:                                      true,
		sound[strings.Index(sound, "nodes:"):]:     true,
		"name: a\nbackend: vxlan\n":                true,
		"apiVersion: netplan-overlay/v1\nx-a: 1\n": true,
		"{}":                                true,
		"nmae: a\n":                         false,
		"nodes: {vm1: {interface: eth0}}\n": false,
		"backend: {vni: 1}\n":               false,
		strings.Replace(sound, "mtu: 1500", "mtu: 1", 1): false,
	} {
		doc, err := document(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(valueOf(doc, asEditor)); (err == nil) != want {
			t.Errorf("accepted %v, want %v:\n%s\n%v", err == nil, want, text, err)
		}
	}
}

// unseen are the malformed topologies that a schema cannot refuse, with the reason.
var unseen = map[string][]string{
	"it is no fault for destroy, and with --allow-empty": {
		"empty map of nodes",
	},
	"YAML's data model has no tags, nor the second one of the same keys": {
		"tag", "own tag", "key twice", "node twice", "bridge twice", "node twice, quoted",
	},
	"the family or the kind of an address, not its form": {
		"underlay address unspecified", "underlay address loopback", "underlay address multicast", "underlay address link-local", "IPv4 in IPv6",
		"two addresses of a family", "two overlay addresses of a family", "destination of another family",
		"network address", "broadcast address", "subnet-router anycast address", "namespace's network address",
		"overlay address that is no host's", "destination with host bits",
	},
	"the same thing twice": {
		"underlay address twice", "address of a bridge twice", "address of two namespaces", "overlay address twice", "route twice",
		"MAC twice on a node", "VTEP's MAC twice", "bridge named as the device", "veth named as a bridge", "veths of one name",
		"bridge named as the underlay", "two nodes of one tunnel name",
	},
	"what belongs to what: addresses to subnets, names to what is named": {
		"outside the bridges' subnets", "outside the bridge's subnet", "no bridge at all", "unknown bridge", "on two bridges", "gateway out of reach",
		"own address as gateway", "unknown device", "own address as gateway, with dev", "gateway that dev does not reach", "route of the kernel's own",
		"IPv6 route of the kernel's own", "sysctl of an unknown interface", "IPv6 switched off everywhere", "IPv6 switched off by default", "more ports than a bridge can have", "no network address to spare",
		"probed namespace of nobody",
	},
	"subnets that overlap or hide each other": {
		"subnets of nodes overlap", "subnets of a node overlap", "underlay inside the overlay", "local subnet hides a peer",
		"local subnet hides the underlay", "overlay address on the underlay",
	},
	"what the backend, somewhere else in the file, can do": {
		"no common family", "overlay with host-gw", "MAC with ipip", "IPv6 with ipip", "IPv6 underlay with ipip", "IPv6 overlay address with ipip",
		"overlay defaults with host-gw", "default device with per-peer",
	},
	"how long a duration is": {
		"interval too short", "timeout longer than the interval", "timeout longer than the usual interval",
	},
	"an MTU against an address's family": {
		"default MTU too small for IPv6", "default MTU of bridges too small", "default MTU of interfaces too small", "overlay MTU too small for IPv6",
		"small MTU with IPv6",
	},
}

// notation are those where the fault is how a value is written; to an editor, it is a
// number or a boolean like any other.
var notation = []string{"mtu as a float", "mtu in octal", "mtu in hexadecimal", "mtu with a sign", "True for true"}

// What the decoder refuses for its structure, the schema refuses; what it cannot see is
// listed above, and nothing else.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t, schema.TopologyName)
	expected := map[string]bool{}
	for _, names := range unseen {
		for _, n := range names {
			expected[n] = true
		}
	}
	refused := 0
	for _, tc := range malformed {
		text := strings.Replace(sound, tc.old, tc.new, 1)
		doc, err := document(text)
		if err != nil || strings.Contains(tc.want, "document") {
			continue // no YAML: an editor says that without a schema
		}
		for _, r := range readers {
			got := s.Validate(valueOf(doc, r.scalar)) == nil
			want := expected[tc.name] || r.name == "an editor" && slices.Contains(notation, tc.name)
			if got != want {
				t.Errorf("%s, as %s reads it: accepted %v, want %v", tc.name, r.name, got, want)
			}
			if !got {
				refused++
			}
		}
		delete(expected, tc.name)
	}
	for name := range expected {
		t.Errorf("no malformed topology is named %q", name)
	}
	if refused < 150 {
		t.Errorf("only %d were refused", refused)
	}
}
