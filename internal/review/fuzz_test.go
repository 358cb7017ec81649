package review

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
)

// whole is a snapshot of a host that has what a topology asks of its first node, and more.
func whole(tb testing.TB) []byte {
	tb.Helper()
	t := parsed(tb, fleet(3, -1))
	x, err := desired.Expand(t, &t.Nodes[0], desired.Assume(t, &t.Nodes[0]))
	if err != nil {
		tb.Fatal(err)
	}
	s := &snapshot.Snapshot{
		FormatVersion: snapshot.FormatVersion, Kind: snapshot.Kind, Time: time.Now().UTC(), Hostname: "n0", Topology: t.Name, Node: "n0",
		Inside: []string{"", "web"}, Sysctls: []snapshot.Sysctls{{Values: map[string]string{"net.ipv4.ip_forward": "1"}}},
		Links:     []model.Link{{Name: "eth0", Type: model.Some(""), MTU: model.Some[uint32](1500), Up: model.Some(true)}},
		Addresses: []model.Address{{Link: "eth0", Prefix: netip.PrefixFrom(t.Nodes[0].Addresses[0], 24)}},
	}
	for e := range x.State.All() {
		switch o := e.Object.(type) {
		case model.Netns:
			s.Netns = append(s.Netns, o)
		case model.Link:
			if !e.Ref {
				s.Links = append(s.Links, o)
			}
		case model.Address:
			s.Addresses = append(s.Addresses, o)
		case model.Route:
			s.Routes = append(s.Routes, o)
		case model.Neighbour:
			s.Neighbours = append(s.Neighbours, o)
		case model.FDBEntry:
			s.FDB = append(s.FDB, o)
		}
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// A snapshot of whatever origin leads to a plan or an error.
func FuzzObserved(f *testing.F) {
	f.Add(whole(f), false)
	f.Add(whole(f), true)
	t := parsed(f, fleet(4, 1))
	f.Fuzz(func(_ *testing.T, data []byte, adopt bool) {
		s, err := snapshot.Parse(bytes.NewReader(data))
		if err != nil {
			return
		}
		a := Sightings{
			Topology: t, MaxAge: time.Hour, Now: s.Time, Options: diff.Options{Adopt: adopt},
			All: []Sighting{{From: "x", Snapshot: s}}, Node: "n0",
		}.Plans(context.Background())
		for _, form := range []render.PlanFormat{render.FormatText, render.FormatJSON} {
			_ = render.Plans(io.Discard, form, a.Plans, render.Options{}) // nothing can fail there
		}
	})
}

// The fuzzer begins with a host that a plan can be made for.
func TestWholeHostIsPlanned(t *testing.T) {
	s, err := snapshot.Parse(bytes.NewReader(whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	a := Sightings{Topology: parsed(t, fleet(4, 1)), MaxAge: time.Hour, Now: s.Time, All: []Sighting{{Snapshot: s}}, Node: "n0"}.Plans(t.Context())
	if n := a.Plans[0]; n.Err != nil || n.Plan.Empty() || n.Plan.Unchanged < 10 {
		t.Errorf("%v, %+v", n.Err, n.Plan)
	}
}
