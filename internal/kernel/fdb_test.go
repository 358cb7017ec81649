package kernel

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// fdb lists a device's rows as "MAC dst".
func (s *sim) fdb(link string) []string {
	s.Helper()
	rows, err := s.FDB(s.Context(), "", link)
	if err != nil {
		s.Fatal(err)
	}
	var l []string
	for _, f := range rows {
		l = append(l, f.MAC.String()+" "+f.Dst.Value().String())
	}
	slices.Sort(l)
	return l
}

// TestFDB lists what somebody put there: not what was learnt, nor the row that the
// kernel makes of the device's own default destination, nor the groups that a device
// listens to.
func TestFDB(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands + `
link add grp0 type vxlan id 9 dstport 4790 remote 192.0.2.9 dev u0
link set grp0 up
link add vx1 type vxlan id 10 dstport 4790 group 239.1.1.1 dev u0
`)
	for _, args := range [][]string{
		{"add", "02:00:00:00:01:01", "dev", "vx0", "dst", "192.0.2.11"},
		{"add", "02:00:00:00:01:02", "dev", "vx0", "dst", "192.0.2.12", "dynamic"}, // as if it had been learnt
		{"append", "00:00:00:00:00:00", "dev", "vx0", "dst", "192.0.2.13"},
		{"add", "02:00:00:00:01:01", "dev", "vx6", "dst", "2001:db8::11"},
		{"append", "00:00:00:00:00:00", "dev", "grp0", "dst", "192.0.2.14"},
		{"append", "00:00:00:00:00:00", "dev", "grp0", "dst", "192.0.2.9", "vni", "77"},
		{"add", "02:00:00:00:01:03", "dev", "u0", "self"},
	} {
		s.run("", append([]string{"bridge", "fdb"}, args...)...)
	}
	for link, want := range map[string][]string{
		"vx0":  {"00:00:00:00:00:00 192.0.2.13", "02:00:00:00:01:01 192.0.2.11"},
		"vx6":  {"02:00:00:00:01:01 2001:db8::11"},
		"grp0": {"00:00:00:00:00:00 192.0.2.14"},
		"vx1":  nil,
	} {
		if d := cmp.Diff(want, s.fdb(link)); d != "" {
			t.Errorf("%s (-want +got):\n%s", link, d)
		}
	}
}

// A row that was learnt is nobody's: it does not keep ours from being made. A static
// one does.
func TestFDBOverLearnt(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	want := model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:01:01"), Dst: someAddr("192.0.2.11"), State: some(model.FDBPermanent)}
	s.run("", "bridge", "fdb", "add", want.MAC.String(), "dev", "vx0", "dst", "192.0.2.99", "dynamic")
	s.create(want)
	s.has("in place of a learnt row", want, s.mustGet(want.Key()))
	if d := cmp.Diff([]string{"02:00:00:00:01:01 192.0.2.11"}, s.fdb("vx0")); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}

	other := want
	other.Dst = someAddr("192.0.2.12")
	err := s.do(model.OpCreate, nil, other)
	if s.opErrorOf(err); !errors.Is(err, unix.EEXIST) {
		t.Errorf("over a static row: got error %v, want %v", err, unix.EEXIST)
	}
	s.has("still", want, s.mustGet(want.Key()))
}

// Deleting one destination of the all-zero MAC leaves the others.
func TestFDBFloodRows(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	row := func(dst string) model.Object {
		return model.FDBEntry{Link: "vx0", Dst: someAddr(dst), State: some(model.FDBPermanent)}
	}
	s.create(row("192.0.2.11"), row("192.0.2.12"), row("192.0.2.13"))
	s.remove(row("192.0.2.12"))
	want := []string{"00:00:00:00:00:00 192.0.2.11", "00:00:00:00:00:00 192.0.2.13"}
	if d := cmp.Diff(want, s.fdb("vx0")); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

// Only permanent neighbours are listed, and those of the link alone; what traffic left
// does not keep ours from being made.
func TestNeighbours(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands + `
neighbour add 10.0.0.1 lladdr 02:00:00:00:01:01 dev vx0 nud permanent
neighbour add 10.0.0.2 lladdr 02:00:00:00:01:02 dev vx0 nud reachable
neighbour add 10.0.0.3 lladdr 02:00:00:00:01:03 dev vx0 nud noarp
neighbour add 10.0.0.4 lladdr 02:00:00:00:01:04 dev u0 nud permanent
neighbour add fd00::1 lladdr 02:00:00:00:01:05 dev vx0 nud permanent
neighbour add proxy 10.0.0.6 dev vx0
`)
	list := func() (got []string) {
		l, err := s.Neighbours(t.Context(), "", "vx0")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range l {
			got = append(got, n.IP.String())
		}
		slices.Sort(got)
		return got
	}
	if d := cmp.Diff([]string{"10.0.0.1", "fd00::1"}, list()); d != "" {
		t.Errorf("neighbours (-want +got):\n%s", d)
	}
	n := model.Neighbour{Link: "vx0", IP: addr("10.0.0.2"), MAC: some(mac("02:00:00:00:01:07")), State: some(model.NeighbourPermanent)}
	s.create(n)
	s.has("in place of a learnt one", n, s.mustGet(n.Key()))
	s.remove(n)
	if d := cmp.Diff([]string{"10.0.0.1", "fd00::1"}, list()); d != "" {
		t.Errorf("neighbours (-want +got):\n%s", d)
	}
}
