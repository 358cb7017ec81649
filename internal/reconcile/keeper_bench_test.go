package reconcile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// deaf hears nothing.
type deaf struct{}

// Follow implements Ear.
func (deaf) Follow([]string) (bool, error) { return false, nil }

// Take implements Ear.
func (deaf) Take() []kernel.News { return nil }

// keeping makes a host with that many peers, on which all is right.
func keeping(b *testing.B, peers int) *Keeper {
	b.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		b.Skipf("needs %v", missing)
	}
	netns := fmt.Sprintf("no-%d-keeper%d", os.Getpid(), peers)
	must := func(args ...string) {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			b.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	must("netns", "add", netns)
	b.Cleanup(func() { must("netns", "delete", netns) })
	must("-n", netns, "link", "add", "eth0", "type", "bridge")
	must("-n", netns, "link", "set", "eth0", "up")
	must("-n", netns, "address", "add", "10.0.0.1/8", "dev", "eth0")
	var text strings.Builder
	text.WriteString("apiVersion: netplan-overlay/v1\nname: bench\nbackend: vxlan\nnodes:\n  vm0: {address: 10.0.0.1, bridges: {br0: 172.16.0.1/24}}\n")
	for i := range peers {
		fmt.Fprintf(&text, "  peer%d: {address: 10.1.%d.%d, bridges: {br0: 10.%d.%d.1/24}}\n", i, i/250, i%250+1, 100+i/250, i%250)
	}
	t, problems := spec.Parse([]spec.Source{{Name: "bench.yaml", Data: []byte(text.String())}})
	if t == nil {
		b.Fatal(problems)
	}
	dir := b.TempDir()
	r, err := New(b.Context(), t, "vm0", Place{Root: "/run/netns/" + netns, NetnsDir: filepath.Join(dir, "netns"), RunDir: filepath.Join(dir, "run")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	k := r.Keep(ApplyOptions{}, deaf{})
	if _, err := k.Full(b.Context()); err != nil {
		b.Fatal(err)
	}
	return k
}

// BenchmarkKeeper looks at everything, and at a single route, on a host on which all is
// right, and puts right a route that was deleted, and a bridge with another MTU, by a look at
// everything and by one at the bridge alone.
func BenchmarkKeeper(b *testing.B) {
	for _, peers := range []int{10, 1000, 10_000} {
		k := keeping(b, peers)
		var route model.Key
		for e := range k.seen.All() {
			if r, ok := e.Object.(model.Route); ok && e.Owner == model.OwnerOurs {
				route = r.Key()
			}
		}
		b.Run(fmt.Sprintf("full/%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Full(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("point/%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Point(b.Context(), []model.Key{route}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("relink/%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			e, _ := k.seen.Get(model.LinkKey("", "br0"))
			before := e.Object.(model.Link)
			after := before
			after.MTU = model.Some[uint32](1300)
			for b.Loop() {
				if errs := k.Host.Do(b.Context(), []model.Step{{Op: model.OpUpdate, Before: before, After: after}}); errs[0] != nil {
					b.Fatal(errs)
				}
				if res, err := k.Full(b.Context()); err != nil || len(res.Plan.Steps) != 1 {
					b.Fatal(res, err)
				}
			}
		})
		b.Run(fmt.Sprintf("near/%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			bridge := model.LinkKey("", "br0")
			e, _ := k.seen.Get(bridge)
			before := e.Object.(model.Link)
			after := before
			after.MTU = model.Some[uint32](1300)
			for b.Loop() {
				if errs := k.Host.Do(b.Context(), []model.Step{{Op: model.OpUpdate, Before: before, After: after}}); errs[0] != nil {
					b.Fatal(errs)
				}
				if res, err := k.Point(b.Context(), []model.Key{bridge}); err != nil || len(res.Plan.Steps) != 1 {
					b.Fatal(res, err)
				}
			}
		})
		b.Run(fmt.Sprintf("repair/%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, _ := k.seen.Get(route)
				if errs := k.Host.Do(b.Context(), []model.Step{{Op: model.OpDelete, Before: e.Object}}); errs[0] != nil {
					b.Fatal(errs)
				}
				if res, err := k.Point(b.Context(), []model.Key{route}); err != nil || len(res.Plan.Steps) != 1 {
					b.Fatal(res, err)
				}
			}
		})
	}
}
