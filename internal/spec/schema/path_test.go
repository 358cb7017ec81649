package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

func tree(t *testing.T) *schema.Key {
	t.Helper()
	root, err := schema.Topology()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestFind(t *testing.T) {
	root := tree(t)
	for _, tc := range []struct{ path, want string }{
		{"name", "name"},
		{"backend.vni", "backend.vni"},
		{"defaults.node.overlay.mtu", "defaults.node.overlay.mtu"},
		{"nodes", "nodes"},
		{"nodes.vm1", "nodes.NODE"},
		{"nodes.address", "nodes.NODE.address"},
		{"nodes.vm1.address", "nodes.NODE.address"},
		{"nodes.NODE.address", "nodes.NODE.address"},
		{"nodes.vm1.address[0]", "nodes.NODE.address"},
		{"nodes.vm1.bridges.br0.mtu", "nodes.NODE.bridges.BRIDGE.mtu"},
		{"nodes.bridges.mtu", "nodes.NODE.bridges.BRIDGE.mtu"},
		{"nodes.vm1.bridges.br0", "nodes.NODE.bridges.BRIDGE"},
		{"nodes.bridges.br0", "nodes.NODE.bridges.BRIDGE"},
		{"nodes.vm1.namespaces.fw.interfaces.eth0.host", "nodes.NODE.namespaces.NAMESPACE.interfaces.INTERFACE.host"},
		{"nodes.namespaces.interfaces.host", "nodes.NODE.namespaces.NAMESPACE.interfaces.INTERFACE.host"},
		{"nodes.vm1.namespaces.fw.routes[12].via", "nodes.NODE.namespaces.NAMESPACE.routes.via"},
		{"nodes.vm1.namespaces.fw.routes", "nodes.NODE.namespaces.NAMESPACE.routes"},
		{"nodes.vm1.namespaces.fw.sysctls.net.ipv4.ip_forward", "nodes.NODE.namespaces.NAMESPACE.sysctls.SYSCTL"},

		// Names that are keys, too, or have dots.
		{"nodes.bridges.bridges.br0", "nodes.NODE.bridges.BRIDGE"},
		{"nodes.overlay.bridges.br0.mac", "nodes.NODE.bridges.BRIDGE.mac"},
		{"nodes.vm1.bridges.mtu.mac", "nodes.NODE.bridges.BRIDGE.mac"},
		{"nodes.vm1.example.com.address", "nodes.NODE.address"},
		{"nodes.vm1.example.com.bridges.br0.100.mtu", "nodes.NODE.bridges.BRIDGE.mtu"},
	} {
		k, err := root.Find(tc.path)
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
		} else if k.Path != tc.want {
			t.Errorf("%s leads to %s, want %s", tc.path, k.Path, tc.want)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	root := tree(t)
	for _, tc := range []struct{ path, step, in string }{
		{"", "", ""},
		{"nonesuch", "nonesuch", ""},
		{"backend.vnid", "vnid", "backend"},
		{"backend.vni.x", "x", "backend.vni"},
		{"nodes.vm1.adress", "adress", "nodes.NODE"},
		{"nodes.vm1.adress.x", "adress", "nodes.NODE"},
		{"nodes.bridges.br0.mut", "mut", "nodes.NODE.bridges.BRIDGE"},
		{"nodes.vm1.bridges.br0.mut", "mut", "nodes.NODE.bridges.BRIDGE"},
		{"nodes.vm1.namespaces.fw.routes[0].gateway", "gateway", "nodes.NODE.namespaces.NAMESPACE.routes"},
		{"defaults.bridges", "bridges", "defaults"},
		{"nodes." + strings.Repeat("x.", 200) + "y", "x", "nodes.NODE"},
	} {
		k, err := root.Find(tc.path)
		var unknown *schema.UnknownError
		if !errors.As(err, &unknown) {
			t.Errorf("%s leads to %v, %v", tc.path, k, err)
		} else if unknown.Step != tc.step || unknown.In.Path != tc.in {
			t.Errorf("%s: %q is unknown in %q, want %q in %q", tc.path, unknown.Step, unknown.In.Path, tc.step, tc.in)
		}
	}
}

// Each key has all that explain tells, each path leads to its key, and the numbers in
// words are those in digits.
func TestKeys(t *testing.T) {
	n := 0
	for _, k := range tree(t).All() {
		n++
		if k.Description == "" || len(k.Forms) == 0 || k.Path != "" && len(k.Examples) == 0 {
			t.Errorf("%s lacks a description, a form or an example: %+v", k.Path, k)
		}
		if !strings.HasSuffix(k.Description, ".") {
			t.Errorf("%s: %q is no sentence", k.Path, k.Description)
		}
		if k.Required && k.Derived+k.Default != "" {
			t.Errorf("%s is required, and has a default", k.Path)
		}
		if k.Path == "" {
			continue
		}
		if found, err := tree(t).Find(k.Path); err != nil || found.Path != k.Path {
			t.Errorf("%s leads to %v, %v", k.Path, found, err)
		}
	}
	if n < 50 {
		t.Errorf("there are only %d keys", n)
	}
}

// Every schema that is built in has a name and a title, and can be printed.
func TestList(t *testing.T) {
	l, err := schema.List()
	if err != nil || len(l) == 0 {
		t.Fatalf("%v, %v", l, err)
	}
	for _, s := range l {
		text, ok := schema.Text(s.Name)
		if !ok || s.Title == "" || !strings.HasSuffix(string(text), "}\n") {
			t.Errorf("the schema %q, %q, ends with %q", s.Name, s.Title, text[max(0, len(text)-10):])
		}
	}
	for _, name := range []string{"", "nonesuch", "../schema", "topology.schema.json"} {
		if _, ok := schema.Text(name); ok {
			t.Errorf("there is a schema %q", name)
		}
	}
}
