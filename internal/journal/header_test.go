package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// fleet returns the steps that make what a host with n peers has.
func fleet(n int) []model.Step {
	var l []model.Step
	for i := range n {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		mac := model.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}
		for _, o := range []model.Object{
			model.FDBEntry{Link: "vxlan1", MAC: mac, Dst: model.Some(netip.MustParseAddr("192.0.2.9")), State: model.Some(model.FDBPermanent)},
			model.Neighbour{Link: "vxlan1", IP: ip, MAC: model.Some(mac), State: model.Some(model.NeighbourPermanent), Protocol: model.Some(model.MarkProtocol)},
			model.Route{
				Dst: netip.PrefixFrom(ip, 24), Table: model.TableMain, Metric: uint32(i), Type: model.Some("unicast"), Via: model.Some(ip), Dev: model.Some("vxlan1"),
				OnLink: model.Some(true), Scope: model.Some[uint8](0), Src: model.Some(netip.Addr{}), NextHops: model.Some(""), Protocol: model.Some(model.MarkProtocol),
			},
		} {
			l = append(l, model.Step{Op: model.OpCreate, After: o})
		}
	}
	return l
}

// The first line reads as it was written, however long it is.
func TestHeaderInPieces(t *testing.T) {
	long := fleet(2000)
	for i := range long { // what is undone in the middle is written in full
		if i%7 == 0 {
			long[i] = model.Step{Op: model.OpUpdate, Before: long[i].After, After: long[i].After}
		}
	}
	many := []model.Step{{Op: model.OpDelete, Before: long[1].After}} // with very many objects that go along
	for _, s := range fleet(2000) {
		many[0] = many[0].With(model.Along{Lost: append(many[0].Lost(), s.After)})
	}
	for _, steps := range [][]model.Step{nil, header().Steps, fleet(1), fleet(2000), long, append(many, fleet(3)...)} {
		h := header()
		h.Steps = steps
		dir := filepath.Join(t.TempDir(), "t@n")
		j, err := journal.Create(dir, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := journal.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(h, r.Header) || len(r.Progress) != len(steps) {
			t.Errorf("%d steps read as\n%+v, want\n%+v", len(steps), r.Header, h)
		}
		b, err := os.ReadFile(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		if _, document, _ := bytes.Cut(bytes.TrimSuffix(b, []byte("\n")), []byte(" ")); !json.Valid(document) || !bytes.Equal(b, sealed(document)) {
			t.Errorf("%d steps are written as\n%s", len(steps), b)
		}
	}
}

// A step that cannot be written leaves no journal.
func TestNoHeader(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	h := header()
	h.Started = h.Started.AddDate(20_000, 0, 0) // beyond what a date may be in JSON
	if j, err := journal.Create(dir, h); err == nil {
		t.Errorf("there is a journal in %s", j.Path())
	}
	if r, err := journal.Read(dir); r != nil || err != nil {
		t.Errorf("the journal reads %+v, %v", r, err)
	}
}

// Steps that are tried together are noted in one line.
func TestNoteAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	h := header()
	h.Steps = fleet(2)
	j, err := journal.Create(dir, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct {
		first, n int
		p        journal.Progress
	}{{0, 4, journal.Begun}, {0, 3, journal.Done}, {4, 1, journal.Begun}} {
		if err := j.NoteAll(n.first, n.n, n.p); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []journal.Progress{journal.Done, journal.Done, journal.Done, journal.Begun, journal.Begun, journal.Untouched}
	if d := cmp.Diff(want, r.Progress); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
}

// What the first version wrote is read; what a later one may write is not.
func TestFormats(t *testing.T) {
	for format, want := range map[int]string{0: "reads 1 to 2", 1: "", 2: "", 3: "its format is 3; this program reads 1 to 2"} {
		h := fmt.Sprintf(`{"format":%d,"boot":"b","root":7,"topology":"t","node":"n","started":"2026-01-02T03:04:05Z","steps":[`+
			`{"op":"create","after":{"kind":"link","object":{"name":"br0","type":"bridge"}}},{"op":"delete","before":{"kind":"link","object":{"name":"br0"}}}]}`, format)
		r, err := journal.Parse(bytes.NewReader(sealed([]byte(h), []byte(`{"step":0,"progress":"begun"}`), []byte(`{"step":0,"progress":"done"}`), []byte(`{"step":1,"progress":"begun"}`))))
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("format %d: error %v, want %q", format, err, want)
		case want == "" && (err != nil || !cmp.Equal(r.Progress, []journal.Progress{journal.Done, journal.Begun})):
			t.Errorf("format %d: %+v, error %v", format, r, err)
		}
	}
}

// Entries about steps that there are not are refused.
func TestNoSuchSteps(t *testing.T) {
	h, err := json.Marshal(header())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []string{
		`{"step":3,"progress":"done"}`, `{"step":-1,"progress":"done"}`, `{"step":1,"steps":3,"progress":"done"}`, `{"step":0,"steps":-1,"progress":"done"}`,
		`{"step":2,"steps":9223372036854775807,"progress":"done"}`, `{"step":0,"steps":2,"progress":"perhaps"}`,
	} {
		if r, err := journal.Parse(bytes.NewReader(sealed(h, []byte(e)))); err == nil {
			t.Errorf("%s: read as %v", e, r.Progress)
		}
	}
}

// BenchmarkCreate writes the journal of a run that makes what a host with 10,000 peers
// has. The directory should be in memory, as /run is: see TMPDIR.
func BenchmarkCreate(b *testing.B) {
	h := header()
	h.Steps = fleet(10_000)
	dir := filepath.Join(b.TempDir(), "t@n")
	b.ReportAllocs()
	for b.Loop() {
		j, err := journal.Create(dir, h)
		if err != nil {
			b.Fatal(err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
