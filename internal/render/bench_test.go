package render

import (
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// BenchmarkPlan tells plans that make, and that remove, what leads to many peers: most of it is
// folded into one line.
func BenchmarkPlan(b *testing.B) {
	for _, peers := range []int{1000, 10_000} {
		made, removed := &diff.Plan{}, &diff.Plan{}
		for i := range peers {
			subnet := netip.AddrFrom4([4]byte{100, 64 + byte(i>>16), byte(i >> 8), byte(i)})
			mac := model.MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
			for _, o := range []model.Object{
				model.FDBEntry{Link: "vxlan1", MAC: mac, Dst: model.Some(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))},
				model.Neighbour{Link: "vxlan1", IP: subnet, MAC: model.Some(mac)},
				model.Route{Dst: netip.PrefixFrom(subnet, 32), Table: model.TableMain, Via: model.Some(subnet), Dev: model.Some("vxlan1")},
			} {
				made.Changes = append(made.Changes, diff.Change{Action: diff.Create, After: o, Intent: fmt.Sprintf("peer n%05d", i), Source: "t.yaml:1"})
				removed.Changes = append(removed.Changes, diff.Change{Action: diff.Delete, Before: o})
			}
		}
		for _, c := range []struct {
			name string
			plan *diff.Plan
		}{{"made", made}, {"removed", removed}} {
			b.Run(fmt.Sprintf("peers=%d/%s", peers, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := Plan(io.Discard, Header{Topology: "bench", Node: "n00000"}, c.plan, Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
