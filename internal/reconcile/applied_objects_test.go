package reconcile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// version is a fleet in one of many versions.
func version(t *testing.T, backend string, r *rand.Rand) *spec.Topology {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: fleet\nbackend: %s\nnodes:\n", backend)
	for i := range 8 {
		host, subnet, mtu := i+1, i, ""
		switch r.IntN(9) {
		case 0:
			host += 100
		case 1:
			subnet += 100
		case 2:
			mtu = ", mtu: 1390"
		case 3:
			if i > 0 {
				continue
			}
		}
		fmt.Fprintf(&b, "  vm%d: {address: 10.0.0.%d, bridges: {br0: {addresses: [172.16.%d.1/24]%s}}}\n", i, host, subnet, mtu)
	}
	top, problems := spec.Parse([]spec.Source{{Name: "fleet.yaml", Data: []byte(b.String())}})
	if top == nil {
		t.Fatal(problems)
	}
	return top
}

// drifted returns what a host has on which somebody has changed some of what was wanted.
func drifted(want *model.State, r *rand.Rand) *model.State {
	seen := &model.State{}
	for e := range want.All() {
		if r.IntN(12) == 0 && !e.Ref {
			continue
		}
		owner := model.OwnerOurs
		if e.Ref {
			owner = model.OwnerForeign
		}
		switch o := e.Object.(type) {
		case model.FDBEntry:
			if r.IntN(6) == 0 {
				o.Dst = model.Some(netip.MustParseAddr("10.9.9.9"))
			}
			e.Object = o
		case model.Route:
			if o.Dst.Addr().Is4() && o.Netns == "" && r.IntN(6) == 0 {
				o.Metric = model.SpreadMetric(o.Dst)
			}
			e.Object = o
		}
		seen.Put(model.Entry{Object: e.Object, Owner: owner})
	}
	return seen
}

// TestFormerObjects says that digests tell the same about where changes come from as reading
// the former topology does, if they tell anything.
func TestFormerObjects(t *testing.T) {
	told, changes := 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		backend := []string{"host-gw", "vxlan", "ipip", "{type: vxlan, routeMetrics: spread}", "{type: vxlan, routeMetrics: plain}"}[seed%5]
		then, now := version(t, backend, r), version(t, backend, r)
		if r.IntN(3) == 0 {
			now = version(t, "{type: host-gw, routeMetrics: spread}", r)
		}
		facts := desired.Assume(now, &now.Nodes[0])
		before, err := desired.Expand(then, &then.Nodes[0], desired.Assume(then, &then.Nodes[0]))
		if err != nil {
			t.Fatal(err)
		}
		x, err := desired.Expand(now, &now.Nodes[0], facts)
		if err != nil {
			t.Fatal(err)
		}
		seen := drifted(before.State, r)
		desired.Adapt(x.State, seen)
		objects := kept(t, before.State, desired.Assume(then, &then.Nodes[0]), facts)
		p := diff.Compute(x.State, seen, diff.Options{})
		desired.Adapt(before.State, seen)
		last, ok := objects.states(p, x.State)
		if objects == nil || !ok {
			continue
		}
		told++
		diff.Originate(p, x.State, before.State)
		for _, c := range p.Changes {
			again := diff.Plan{Changes: []diff.Change{c}}
			diff.Originate(&again, x.State, last)
			if got := again.Changes[0].Origin; got != c.Origin {
				t.Errorf("seed %d: %s is %s, not %s", seed, c.Key(), got, c.Origin)
			}
			changes++
		}
	}
	if told < 100 || changes < 500 {
		t.Errorf("digests have told the origins of %d plans only, %d changes", told, changes)
	}
}

// kept writes digests, and reads them back by other facts.
func kept(t *testing.T, wanted *model.State, then, now model.Facts) formerObjects {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	d, err := kernel.MakeDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.ReplaceBy(appliedFile, func(w io.Writer) error {
		return writeApplied(w, &spec.Topology{Digest: "digest"}, wanted.Digests(), then)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := readApplied(d, maxApplied); string(got) != "digest\n[]" {
		t.Fatalf("the texts are read as %q", got)
	}
	f, err := os.Open(filepath.Join(dir, appliedFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !endsWith(f, appendFooter(nil, wanted.Makeable(), then)) {
		t.Error("what was noted is taken for something else")
	}
	return readObjects(d, now)
}

// The texts are written as encoding/json, which reads them, writes them.
func TestSources(t *testing.T) {
	for n := range 70 {
		l := []spec.Source{{Name: `a "quoted" <name>.yaml`, Data: bytes.Repeat([]byte{'a', 0, 0xff}, n*n+n)[n:]}, {Name: "-", Data: bytes.Repeat([]byte("x"), n)}}
		want, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		w := bufio.NewWriterSize(&got, 100)
		if err := writeSources(w, l); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Fatalf("%d: written as %s, want %s", n, got.String(), want)
		}
	}
}

// TestStillDirect says when digests are by other facts.
func TestStillDirect(t *testing.T) {
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	facts := func(direct ...netip.Addr) model.Facts {
		m := map[netip.Addr]model.Direct{a: {}, b: {}}
		for _, a := range direct {
			m[a] = model.Direct{OK: true}
		}
		return model.Facts{Direct: model.DirectsOf(m)}
	}
	for _, x := range []struct {
		name      string
		then, now model.Facts
		want      bool
	}{
		{"the same", facts(a), facts(a), true},
		{"all on the link", facts(a, b), facts(a, b, c), true},
		{"one more on the link", facts(a), facts(a, b), false},
		{"one no more", facts(a, b), facts(a), false},
		{"one that was not asked for, on the link", facts(a), facts(a, c), true},
	} {
		footer := appendFooter(nil, 0, x.then)
		if got := stillDirect(footer[:len(footer)-footerSize], x.now); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}
