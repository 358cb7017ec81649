package kernel

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// list lists all objects of a kind on the host. Sysctls are those that the tool has
// set.
func (s *sim) list(k model.Kind) []model.Object {
	s.Helper()
	ctx := context.Background()
	if k == model.KindNetns {
		return s.ok(objects(s.Netns(ctx)))
	}
	if k == model.KindSysctl {
		return s.ok(objects(s.SavedSysctls(ctx)))
	}
	var l []model.Object
	for _, ns := range append([]string{""}, s.names()...) {
		switch k {
		case model.KindLink:
			l = append(l, s.ok(objects(s.Links(ctx, ns)))...)
		case model.KindAddress:
			l = append(l, s.ok(objects(s.Addresses(ctx, ns)))...)
		case model.KindRoute:
			l = append(l, s.ok(objects(s.Routes(ctx, ns)))...)
		default:
			l = append(l, s.rows(k, ns)...)
		}
	}
	return l
}

// rows lists what is listed link by link.
func (s *sim) rows(k model.Kind, ns string) []model.Object {
	s.Helper()
	ctx := context.Background()
	links, err := s.Links(ctx, ns)
	if err != nil {
		s.Fatal(err)
	}
	var l []model.Object
	for _, link := range links {
		switch {
		case k == model.KindNeighbour:
			l = append(l, s.ok(objects(s.Neighbours(ctx, ns, link.Name)))...)
		case k == model.KindFDB && link.Type.Value() == model.TypeVXLAN:
			l = append(l, s.ok(objects(s.FDB(ctx, ns, link.Name)))...)
		}
	}
	return l
}

// objects turns the answer of a listing into objects.
func objects[T model.Object](list []T, err error) ([]model.Object, error) {
	var l []model.Object
	for _, o := range list {
		l = append(l, o)
	}
	return l, err
}

// ok returns the objects, unless there was an error.
func (s *sim) ok(l []model.Object, err error) []model.Object {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return l
}

// get returns the observed object with the key.
func (s *sim) get(k model.Key) (model.Object, bool) {
	s.Helper()
	list := s.list(k.Kind)
	if k.Kind == model.KindSysctl {
		list = s.ok(objects(s.Sysctls(context.Background(), k.Netns, []string{k.Name})))
	}
	for _, o := range list {
		if o.Key() == k {
			return o, true
		}
	}
	return nil, false
}

func (s *sim) mustGet(k model.Key) model.Object {
	s.Helper()
	o, ok := s.get(k)
	if !ok {
		s.Fatalf("%s is not listed; there are\n%s", k, strings.Join(slices.Sorted(maps.Keys(s.snapshot())), "\n"))
	}
	return o
}

// snapshot tells of each object on the host how it is. Left out are the link-local
// IPv6 addresses, which the kernel makes when it likes.
func (s *sim) snapshot() map[string]string {
	s.Helper()
	all := map[string]string{}
	for _, k := range model.Kinds() {
		for _, o := range s.list(k) {
			if a, ok := o.(model.Address); ok && a.Prefix.Addr().Is6() && a.Prefix.Addr().IsLinkLocalUnicast() {
				continue
			}
			all[o.Key().String()] = told(o)
		}
	}
	return all
}

// unchanged fails the test if the host is not as it was.
func (s *sim) unchanged(what string, was map[string]string) {
	s.Helper()
	if d := cmp.Diff(was, s.snapshot()); d != "" {
		s.Errorf("%s changed the host (-want +got):\n%s", what, d)
	}
}

// told writes all attributes of an object.
func told(o model.Object) string {
	var l []string
	for _, a := range o.Attrs() {
		l = append(l, a.Name+" "+a.Value)
	}
	return strings.Join(l, ", ")
}

// has fails the test if got lacks something that want specifies.
func (s *sim) has(what string, want, got model.Object) {
	s.Helper()
	changes, _, _ := model.DiffAttrs(want, got)
	for _, c := range changes {
		s.Errorf("%s: %s: %s is %q, want %q", what, want.Key(), c.Name, c.Before, c.After)
	}
}

// display is what iproute2 must say of an object.
type display struct {
	netns   string
	command string            // with JSON output
	want    map[string]string // by path, as in linkinfo.info_data.id; "": nothing is there
}

// check looks for one object that has all that is wanted.
func (s *sim) check(x display) {
	s.Helper()
	if x.command == "" {
		return
	}
	list := s.shows(x.netns, x.command)
	for _, o := range list {
		if fits(o, x.want) {
			return
		}
	}
	s.Errorf("%s shows nothing with %v:\n%v", x.command, x.want, list)
}

func fits(o map[string]any, want map[string]string) bool {
	for path, w := range want {
		values := dig(o, strings.Split(path, "."))
		if w == "" && len(values) > 0 || w != "" && !slices.Contains(values, w) {
			return false
		}
	}
	return true
}

// dig returns the values at a path; a list on the way is looked at as a whole.
func dig(v any, path []string) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, dig(e, path)...)
		}
		return all
	case map[string]any:
		if len(path) == 0 {
			return nil
		}
		return dig(v[path[0]], path[1:])
	}
	if len(path) > 0 {
		return nil
	}
	return []string{fmt.Sprint(v)}
}
