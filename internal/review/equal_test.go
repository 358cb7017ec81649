package review

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// uncounted are the fields that make no difference.
var uncounted = []string{"Pos", "Made", "Unprobed"}

// Whatever differs between two versions of a node is seen, in fields that are yet to be
// invented, too.
func TestAlike(t *testing.T) {
	make := func() *spec.Node {
		prefixes := []netip.Prefix{netip.MustParsePrefix("10.1.1.1/24")}
		return &spec.Node{
			Addresses: []netip.Addr{netip.MustParseAddr("10.1.1.1")},
			Overlay:   spec.Overlay{Addresses: slices.Clone(prefixes)},
			Bridges:   []spec.Bridge{{Addresses: slices.Clone(prefixes)}},
			Namespaces: []spec.Namespace{{
				Interfaces: []spec.Interface{{Addresses: slices.Clone(prefixes)}},
				Routes:     []spec.Route{{}}, Sysctls: []spec.Sysctl{{}},
			}},
		}
	}
	if !alike(make(), make()) {
		t.Fatal("a node differs from itself")
	}
	n := 0
	for ; ; n++ {
		changed := make()
		left := n
		path, ok := changeField(t, reflect.ValueOf(changed).Elem(), "node", &left)
		if !ok {
			break
		}
		if alike(make(), changed) {
			t.Errorf("a change of %s is not seen", path)
		}
	}
	if n < 30 {
		t.Errorf("only %d fields were changed", n)
	}
	moved := make()
	moved.Pos.Line, moved.Bridges[0].Made, moved.Unprobed = 7, 1, true
	if !alike(make(), moved) {
		t.Error("a place is taken for a difference")
	}
}

// changeField changes the field with the number left, and returns its path.
func changeField(t *testing.T, v reflect.Value, path string, left *int) (string, bool) {
	switch v.Interface().(type) {
	case netip.Addr, netip.Prefix, model.MAC:
		return path, change(t, path, v, left)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if slices.Contains(uncounted, name) {
				continue
			}
			if p, ok := changeField(t, v.Field(i), path+"."+name, left); ok {
				return p, true
			}
		}
		return "", false
	case reflect.Slice:
		if change(t, path, v, left) {
			return path + " (its length)", true
		}
		return changeField(t, v.Index(0), path+"[0]", left)
	}
	return path, change(t, path, v, left)
}

// change gives the value another one, if it is its turn.
func change(t *testing.T, path string, v reflect.Value, left *int) bool {
	t.Helper()
	*left--
	if *left != -1 {
		return false
	}
	switch x := v.Addr().Interface().(type) {
	case *netip.Addr:
		*x = netip.MustParseAddr("10.9.9.9")
	case *netip.Prefix:
		*x = netip.MustParsePrefix("10.9.9.9/32")
	case *model.MAC:
		x[0] = 9
	default:
		switch {
		case v.Kind() == reflect.Slice:
			v.Set(reflect.Append(v, v.Index(0)))
		case v.Kind() == reflect.String:
			v.SetString("other")
		case v.Kind() == reflect.Bool:
			v.SetBool(!v.Bool())
		case v.CanUint():
			v.SetUint(v.Uint() + 1)
		default:
			t.Fatalf("%s is of kind %s: say how to change it", path, v.Kind())
		}
	}
	return true
}
