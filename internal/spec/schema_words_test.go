package spec_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

func keys(t *testing.T) []*schema.Key {
	t.Helper()
	root, err := schema.Topology()
	if err != nil {
		t.Fatal(err)
	}
	return root.All()
}

// The examples of a key are right where they stand: nothing is wrong with their structure.
func TestSchemaExamples(t *testing.T) {
	n := 0
	for _, k := range keys(t) {
		for _, example := range k.Examples {
			n++
			_, problems := parse(nested(k, example))
			for _, p := range problems {
				if strings.HasPrefix(p.Path, k.Path) && structural.MatchString(p.Message) {
					t.Errorf("the example of %s: %v\n%s", k.Path, p, nested(k, example))
				}
			}
		}
	}
	if n < 55 {
		t.Errorf("there are only %d examples", n)
	}
}

// nested puts the YAML of a key to where it belongs. Names are what stands for them.
func nested(k *schema.Key, yaml string) string {
	steps := strings.Split(k.Path, ".")
	var b strings.Builder
	indent := ""
	for _, step := range steps[:len(steps)-1] {
		fmt.Fprintf(&b, "%s%s:\n", indent, step)
		indent += "  "
		if step == "routes" {
			b.WriteString(indent + "- ")
			indent = ""
		}
	}
	for line := range strings.Lines(yaml) {
		b.WriteString(indent + line)
	}
	return strings.ReplaceAll(b.String(), "SYSCTL", "net.ipv4.ip_forward")
}

// What the schema says that a value is by default, it is.
func TestSchemaDefaults(t *testing.T) {
	bare := map[string]string{ // a topology that doesn't give the value
		"backend.vni":                       "backend: {type: vxlan}",
		"backend.port":                      "backend: {type: vxlan}",
		"backend.mode":                      "backend: {type: ipip}",
		"backend.directRouting":             "backend: {type: vxlan}",
		"backend.routeMetrics":              "backend: {type: vxlan}",
		"defaults.bridge.overlay":           "backend: vxlan\ndefaults: {bridge: {}}",
		"nodes.NODE.bridges.BRIDGE.overlay": "backend: vxlan",
		"nodes.NODE.probe":                  "backend: vxlan",
		"probe.type":                        "backend: vxlan\nprobe: {x-a: 1}",
		"probe.interval":                    "backend: vxlan\nprobe: {x-a: 1}",
		"probe.down":                        "backend: vxlan\nprobe: {x-a: 1}",
		"probe.up":                          "backend: vxlan\nprobe: {x-a: 1}",
		"probe.namespaces":                  "backend: vxlan\nprobe: {x-a: 1}",
		"probe.ready":                       "backend: vxlan\nprobe: {x-a: 1}",
	}
	const nodes = "\nnodes: {a: {address: 192.0.2.1, bridges: {br0: {addresses: 10.1.0.1/24}}}}\n"
	for _, k := range keys(t) {
		if k.Default == "" {
			continue
		}
		head, ok := bare[k.Path]
		if !ok {
			t.Errorf("%s has a default that is not tried", k.Path)
			continue
		}
		without := "apiVersion: netplan-overlay/v1\nname: a\n" + head + nodes
		given := fmt.Sprintf("%s: %s", k.Name, k.Default)
		with := strings.NewReplacer("ipip}", "ipip, "+given+"}", "vxlan}", "vxlan, "+given+"}").Replace(without)
		switch {
		case strings.HasPrefix(k.Path, "defaults"):
			with = strings.Replace(without, "{bridge: {}}", "{bridge: {"+given+"}}", 1)
		case strings.HasPrefix(k.Path, "probe"):
			with = strings.Replace(without, "x-a: 1", given, 1)
		case k.Path == "nodes.NODE.probe":
			with = strings.Replace(without, "192.0.2.1", "192.0.2.1, "+given, 1)
		case strings.HasPrefix(k.Path, "nodes"):
			with = strings.Replace(without, "10.1.0.1/24", "10.1.0.1/24, "+given, 1)
		}
		one, problems := parse(without)
		other, more := parse(with)
		if one == nil || other == nil || one.Digest == other.Digest {
			t.Fatalf("%s: %v %v\n%s%s", k.Path, problems, more, without, with)
		}
		ignored := []cmp.Option{cmpopts.IgnoreFields(spec.Topology{}, "Defaults", "Digest", "Sources"), cmpopts.IgnoreTypes(spec.Pos{})}
		if d := cmp.Diff(one, other, append(ignored, cmp.Exporter(func(reflect.Type) bool { return true }))...); d != "" {
			t.Errorf("%s is not %s by default (-without +with):\n%s", k.Path, k.Default, d)
		}
	}
}

// docs/topology.md tells of each key, and in the row of a key, of its default.
func TestSchemaDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/topology.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(b)
	for _, k := range keys(t) {
		if k.Free || k.Path == "" || strings.HasPrefix(k.Path, "defaults.") {
			continue // names, and what is told in the example of defaults
		}
		if !strings.Contains(docs, "`"+k.Name+"`") {
			t.Errorf("docs/topology.md doesn't tell of %s", k.Path)
		}
		if k.Default == "" {
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + k.Name + "` \\|.*\\|[^|]*\\b" + k.Default + "\\b[^|]*\\|$")
		if !row.MatchString(docs) {
			t.Errorf("docs/topology.md has no row that says that %s is %s by default", k.Path, k.Default)
		}
	}
}
