package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func header() journal.Header {
	br := model.Link{Name: "br0", Type: model.Some("bridge")}
	return journal.Header{
		Format: journal.Format, Boot: "b", Root: 7, Topology: "t", Node: "n", Started: time.Unix(1000, 0).UTC(),
		Steps: []model.Step{{Op: model.OpCreate, After: br}, {Op: model.OpDelete, Before: br}, {Op: model.OpUpdate, Before: br, After: br}},
	}
}

func written(t *testing.T, dir string) []byte {
	t.Helper()
	j, err := journal.Create(dir, header())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct {
		step int
		p    journal.Progress
	}{{0, journal.Begun}, {0, journal.Done}, {1, journal.Begun}, {1, journal.Done}, {2, journal.Begun}} {
		if err := j.Note(n.step, n.p); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsWhatWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	if r, err := journal.Read(dir); r != nil || err != nil {
		t.Errorf("without a journal: %v, %v", r, err)
	}
	written(t, dir)
	r, err := journal.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]journal.Progress{journal.Done, journal.Done, journal.Begun}, r.Progress); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
	if r.Topology != "t" || r.Node != "n" || r.Root != 7 || len(r.Steps) != 3 || r.Steps[1].Key() != model.LinkKey("", "br0") || r.Count(journal.Done) != 2 {
		t.Errorf("the journal reads %+v", r)
	}
	if err := journal.Remove(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// Cut off anywhere, it is the journal of a run that came less far, or an error.
func TestCutOff(t *testing.T) {
	b := written(t, t.TempDir())
	first := bytes.IndexByte(b, '\n')
	last := -1
	for n := range b {
		r, err := journal.Parse(bytes.NewReader(b[:n]))
		switch {
		case n <= first && err == nil:
			t.Errorf("%d bytes are no journal", n)
		case n > first && err != nil:
			t.Errorf("%d bytes: %v", n, err)
		case n > first:
			seen := len(r.Progress) - r.Count(journal.Untouched)
			if seen < last {
				t.Errorf("with more bytes, %d, less is done", n)
			}
			last = seen
		}
	}
}

// Any changed byte is found.
func TestChanged(t *testing.T) {
	b := written(t, t.TempDir())
	whole, err := journal.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for n := range b[:len(b)-1] { // a changed last byte cuts the last line off
		for _, bit := range []byte{0x04, 0x20} {
			c := bytes.Clone(b)
			c[n] ^= bit
			if r, err := journal.Parse(bytes.NewReader(c)); err == nil && cmp.Equal(r.Progress, whole.Progress) {
				t.Errorf("the changed byte %d goes unseen", n)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, written(t, t.TempDir()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Read(dir); err == nil {
		t.Error("it follows a symbolic link")
	}
	if _, err := journal.Parse(strings.NewReader("")); err == nil {
		t.Error("nothing is no journal")
	}
}
