package journal_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
)

// A run is attended as long as its process, or its guard, holds the journal.
func TestAttended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	attended := func(want bool) {
		t.Helper()
		r, err := journal.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r.Attended != want {
			t.Errorf("attended: %v, want %v", r.Attended, want)
		}
	}
	j, err := journal.Create(dir, header())
	if err != nil {
		t.Fatal(err)
	}
	attended(true)
	g, err := journal.NewGuard(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	attended(true)
	if g.Over() {
		t.Error("it is over")
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	attended(false)
}

// A run is over when its journal is gone, and when another one stands in its place.
func TestOver(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(dir string) error
	}{
		{"removed", journal.Remove},
		{"another run", func(dir string) error {
			j, err := journal.Create(dir, header())
			if err != nil {
				return err
			}
			return j.Close()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "t@n")
			written(t, dir)
			g, err := journal.NewGuard(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			if err := tc.end(dir); err != nil {
				t.Fatal(err)
			}
			if !g.Over() {
				t.Error("it is not over")
			}
		})
	}
}

// Whoever reads the journal of a run that ends just then finds a run that is attended, or
// none: it was not interrupted.
func TestReadWhileItEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	done := make(chan error)
	go func() {
		for range 500 {
			j, err := journal.Create(dir, header())
			if err == nil {
				err = j.Remove()
			}
			if err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		r, err := journal.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil && !r.Attended {
			t.Fatal("the run is taken for one that was interrupted")
		}
	}
}

func TestGuardWithoutJournal(t *testing.T) {
	if _, err := journal.NewGuard(t.TempDir()); err == nil {
		t.Error("there is a guard of nothing")
	}
}

// That a run waits to be confirmed, and until when, is read as it was written.
func TestAwait(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t@n")
	j, err := journal.Create(dir, header())
	if err != nil {
		t.Fatal(err)
	}
	until := time.Unix(2000, 5).UTC()
	if err := j.Await(until); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Waiting() || !r.Until.Equal(until) {
		t.Errorf("until %v, want %v", r.Until, until)
	}
	if err := j.Remove(); err != nil {
		t.Fatal(err)
	}
}
