package model_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The metrics are written down in docs/scale.md, and stand in the kernels of hosts: these
// must never change.
func TestSpreadMetric(t *testing.T) {
	for dst, want := range map[string]uint32{
		"0.0.0.0/0":          1000,
		"10.42.7.0/24":       1123,
		"10.42.8.0/24":       1124,
		"10.42.7.0/25":       1246,
		"172.246.0.0/24":     1275,
		"192.168.32.245/32":  1864,
		"255.255.255.255/32": 1965,
		"240.0.0.0/4":        1015,
	} {
		if got := model.SpreadMetric(netip.MustParsePrefix(dst)); got != want {
			t.Errorf("%s: %d, want %d", dst, got, want)
		}
	}
}

// However the subnets of a fleet lie, the range is filled evenly.
func TestSpreadMetricFills(t *testing.T) {
	for _, step := range []int{1, 2, 4, 16, 64, 256, 1000, 1024, 3} {
		seen := map[uint32]int{}
		const n = 5 * 997
		for i := range n {
			a := uint32(10<<24) + uint32(i*step)<<8
			dst := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), 0}), 24)
			seen[model.SpreadMetric(dst)]++
		}
		for metric, times := range seen {
			if times > 6 || metric < model.SpreadBase || metric >= model.SpreadBase+model.SpreadRange {
				t.Errorf("every %d subnets: metric %d %d times", step, metric, times)
			}
		}
	}
}

func TestSpreadable(t *testing.T) {
	dst, six := netip.MustParsePrefix("10.42.7.0/24"), netip.MustParsePrefix("fd42::/64")
	for _, tc := range []struct {
		key  model.Key
		want bool
	}{
		{model.RouteKey("", model.TableMain, dst, 0), true},
		{model.RouteKey("", model.TableMain, dst, 7), true},
		{model.RouteKey("", model.TableMain, six, 1024), false},
		{model.RouteKey("web", model.TableMain, dst, 0), false},
		{model.RouteKey("", 100, dst, 0), false},
		{model.AddressKey("", "eth0", dst), false},
	} {
		if got := tc.key.Spreadable(); got != tc.want {
			t.Errorf("%s: %v", tc.key, got)
		}
		if tc.want && (tc.key.Plain().Metric != 0 || tc.key.Plain().Spread() != tc.key.Spread() || fmt.Sprint(tc.key.Spread()) != "route 10.42.7.0/24 metric 1123") {
			t.Errorf("%s: %s, %s", tc.key, tc.key.Plain(), tc.key.Spread())
		}
	}
}
