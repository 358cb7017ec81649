package kernel

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// rowsToList is how many peers the host of the benchmarks has.
const rowsToList = 10_000

// BenchmarkList lists what a host with 10,000 peers has. What the kernel needs for
// the dump alone is the floor, measured in the same run.
func BenchmarkList(b *testing.B) {
	s := newSim(b)
	s.lines(vxlanCommands)
	s.batch("ip", rowsToList, "route add 10.HI.LO.0/24 via 10.HI.LO.0 dev vx0 onlink proto 157")
	s.batch("ip", rowsToList, "neighbour add 10.HI.LO.0 lladdr 02:00:00:00:HEX dev vx0 nud permanent")
	s.batch("bridge", rowsToList, "fdb add 02:00:00:00:HEX dev vx0 dst 192.0.2.9")
	root, index, err := s.on("", "vx0")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for _, x := range []struct {
		name    string
		request message
		list    func() (int, error)
	}{
		{"routes", newMessage(unix.RTM_GETROUTE, 0, rtmsg{family: unix.AF_INET, table: unix.RT_TABLE_MAIN}.bytes()),
			func() (int, error) { return counted(s.Routes(ctx, "")) }},
		{"neighbours", newMessage(unix.RTM_GETNEIGH, 0, ndmsg(unix.AF_UNSPEC, 0, 0, 0)).u32(unix.NDA_IFINDEX, index),
			func() (int, error) { return counted(s.Neighbours(ctx, "", "vx0")) }},
		{"FDB", newMessage(unix.RTM_GETNEIGH, 0, ndmsg(unix.AF_BRIDGE, 0, 0, 0)).u32(unix.NDA_IFINDEX, index),
			func() (int, error) { return counted(s.FDB(ctx, "", "vx0")) }},
	} {
		b.Run(x.name+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := root.conn.dump(ctx, x.request); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(x.name+"/list", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n, err := x.list(); err != nil || n < rowsToList {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// counted returns how long a list is.
func counted[T model.Object](l []T, err error) (int, error) { return len(l), err }

// BenchmarkDo makes and deletes the route of one peer.
func BenchmarkDo(b *testing.B) {
	s := newSim(b)
	s.lines(vxlanCommands)
	r := plainRoute("172.246.0.0/24")
	steps := []model.Step{{Op: model.OpCreate, After: r}, {Op: model.OpDelete, Before: r}}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range s.Do(context.Background(), steps) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
