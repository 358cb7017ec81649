package snapshot

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The published schema has exactly the keys that are written, each described once.
func TestSchemaKeys(t *testing.T) {
	b, err := os.ReadFile("../spec/schema/snapshot.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Required   []string
		Properties map[string]json.RawMessage
	}
	var doc struct {
		node
		Definitions map[string]node
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	compare := func(name string, n node, v any) {
		t.Helper()
		all, must := keys(reflect.TypeOf(v))
		if d := cmp.Diff(all, slices.Sorted(maps.Keys(n.Properties))); d != "" {
			t.Errorf("%s (-written +schema)\n%s", name, d)
		}
		for _, k := range n.Required {
			if !slices.Contains(must, k) {
				t.Errorf("%s: %s is required, and not always written", name, k)
			}
		}
	}
	compare("the snapshot", doc.node, Snapshot{})
	for name, v := range map[string]any{
		"netns": model.Netns{}, "end": model.EndRef{}, "bridge": model.Bridge{}, "vxlan": model.VXLAN{}, "ipip": model.IPIP{}, "link": model.Link{},
		"linkAddress": model.Address{}, "route": model.Route{}, "neighbour": model.Neighbour{}, "fdb": model.FDBEntry{}, "sysctl": model.Sysctl{},
		"sysctls": Sysctls{}, "hop": model.Hop{}, "way": model.Way{}, "management": model.Management{}, "features": kernel.Features{},
	} {
		compare(name, doc.Definitions[name], v)
		delete(doc.Definitions, name)
	}
	for name, n := range doc.Definitions {
		if n.Properties != nil {
			t.Errorf("nothing is written that is a %s", name)
		}
	}
}

// keys returns the names under which the fields of a struct are written, and those that
// always are.
func keys(t reflect.Type) (all, must []string) {
	for f := range t.Fields() {
		if f.Anonymous {
			a, m := keys(f.Type)
			all, must = append(all, a...), append(must, m...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if options == "" {
			must = append(must, name)
		}
	}
	slices.Sort(all)
	return all, must
}
