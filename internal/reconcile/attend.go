package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// attendEvery is how often the guard of a run looks whether it is confirmed.
const attendEvery = 200 * time.Millisecond

// Attend guards the run whose journal lies in dir: it takes the run back if the process
// that executes it dies, if nobody confirms it in time, or when ctx ends. ready is called
// as soon as the run is guarded; left is closed when the executing process has left the
// run to the guard, or is dead.
func Attend(ctx context.Context, place Place, dir string, ready func() error, left <-chan struct{}) error {
	g, err := journal.NewGuard(dir)
	if err != nil {
		return err
	}
	defer g.Close()
	if err := ready(); err != nil {
		return err
	}
	<-left
	rec, err := journal.Read(dir)
	if g.Over() || err != nil || rec == nil {
		return err
	}
	run := &Run{Record: rec, place: place, dir: dir}
	why := "the process that made it died on the way"
	if rec.Waiting() {
		if awaitConfirmation(ctx, g, rec.Until) {
			return nil
		}
		why = fmt.Sprintf("nobody confirmed it by %s", rec.Until.Format(time.RFC3339))
		if ctx.Err() != nil {
			why = "the process that waited for its confirmation was told to end"
		}
	}
	return run.giveUp(context.WithoutCancel(ctx), why)
}

// awaitConfirmation waits until the run is over, which it returns, or the time is up.
func awaitConfirmation(ctx context.Context, g *journal.Guard, until time.Time) (over bool) {
	until = time.Now().Add(time.Until(until)) // from here on, whatever becomes of the clock
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for time.Now().Before(until) {
		if g.Over() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return g.Over()
}

// giveUp takes the run back, and leaves word of it.
func (r *Run) giveUp(ctx context.Context, why string) error {
	const patience = 10 * time.Minute // somebody may be at the prompt of another apply
	err := r.TakeBack(ctx, patience)
	if errors.Is(err, ErrOver) {
		return nil
	}
	word := fmt.Sprintf("the run of %s was taken back at %s: %s", r.Started.Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339), why)
	if err != nil {
		word = fmt.Sprintf("the run of %s could not be taken back in full: %v", r.Started.Format(time.RFC3339), err)
	}
	return errors.Join(err, r.leaveWord(word+"\n"))
}

// outcomeFile is where a run that was taken back for want of a confirmation leaves word.
const outcomeFile = "taken-back"

// leaveWord writes what became of a run for whoever comes to confirm it too late.
func (r *Run) leaveWord(text string) error {
	d, err := kernel.MakeDir(r.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Replace(outcomeFile, []byte(text))
}

// forgetWord removes what an earlier run in dir has left.
func forgetWord(dir string) {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return // there is none
	}
	defer d.Close()
	_ = d.Remove(outcomeFile) // else it is told too long
}

// LastWord returns what became of the last run under the place's directory that nobody
// confirmed, "" if there was none since.
func LastWord(place Place) string {
	files, err := filepath.Glob(filepath.Join(place.runDir(), "*@*", outcomeFile))
	if err != nil || len(files) == 0 {
		return ""
	}
	d, err := kernel.OpenDir(filepath.Dir(files[0]))
	if err != nil {
		return ""
	}
	defer d.Close()
	f, err := d.Open(outcomeFile)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 64 << 10
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
