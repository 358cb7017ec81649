package watch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Pace says how fast files are followed; the zero value is the default.
type Pace struct {
	Quiet time.Duration // how long nothing may change before the files are read; 0: 300 ms
	Limit time.Duration // how long changes may go on before they are read all the same; 0: 3 s
	Poll  time.Duration // how often they are read without any event, for file systems that have none; 0: 60 s
	Retry time.Duration // how soon after somebody was found writing; 0: 50 ms
	Write time.Duration // how long somebody may write until that is told; 0: 30 s
}

func (p Pace) orDefaults() Pace {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&p.Quiet, 300*time.Millisecond)
	or(&p.Limit, 3*time.Second)
	or(&p.Poll, time.Minute)
	or(&p.Retry, 50*time.Millisecond)
	or(&p.Write, 30*time.Second)
	return p
}

// Revision is what stands in a topology's files: sources, or why there are none.
type Revision struct {
	Sources []spec.Source
	Digest  string // of the sources
	Err     error  // of reading; the sources are nil
}

// Files follows the files of a topology. Make one with NewFiles; Close it.
type Files struct {
	paths   []string
	pace    Pace
	watcher *fsnotify.Watcher
	trail   *trail
	last    string    // digest of the revision that was delivered last, or its error
	busy    time.Time // since when somebody has been writing; zero: nobody is
	now     chan chan struct{}
}

// NewFiles begins to follow files and directories, as they are given to spec.Load.
func NewFiles(paths []string, pace Pace) (*Files, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &Files{paths: paths, pace: pace.orDefaults(), watcher: w, trail: &trail{}, now: make(chan chan struct{}, 1)}, nil
}

// Close ends it.
func (f *Files) Close() error { return f.watcher.Close() }

// Look has the files read now, without waiting for an event or for quiet. The channel is
// closed when that has been done, and what has changed was delivered. It is nil where the
// files are about to be read because somebody has asked before.
func (f *Files) Look() <-chan struct{} {
	done := make(chan struct{})
	select {
	case f.now <- done:
		return done
	default:
		return nil
	}
}

// Run delivers what stands in the files, at first and whenever that has changed, until
// the context is over. Of one change, deliver is told once: of what was touched, or
// written anew with the same text, never, and of what somebody has open for writing not
// before he closes it. An error to read them is a revision, too, and told once; so is a
// file that stays open for too long.
func (f *Files) Run(ctx context.Context, deliver func(Revision)) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	poll := time.NewTicker(f.pace.Poll)
	defer poll.Stop()
	d := debounce{quiet: f.pace.Quiet, limit: f.pace.Limit}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-f.watcher.Events:
			if !ok {
				return errors.New("watch files: closed")
			}
			if f.concerns(e) {
				wait.Reset(d.event(time.Now()))
			}
		case err, ok := <-f.watcher.Errors: // an overflow: whatever may have happened
			if !ok {
				return fmt.Errorf("watch files: closed: %w", err)
			}
			wait.Reset(d.event(time.Now()))
		case <-poll.C:
			wait.Reset(0)
		case asked := <-f.now:
			d.over()
			if again := f.look(deliver); again > 0 {
				wait.Reset(again)
			}
			close(asked)
		case <-wait.C:
			d.over()
			if again := f.look(deliver); again > 0 {
				wait.Reset(again)
			}
		}
	}
}

// concerns says whether an event can have to do with the files.
func (f *Files) concerns(e fsnotify.Event) bool {
	if f.trail.dirs[e.Name] != nil { // the directory itself has moved, or is gone
		return true
	}
	d := f.trail.dirs[filepath.Dir(e.Name)]
	return d != nil && d.counts(filepath.Base(e.Name))
}

// look reads the files, and delivers them if they have changed; it returns how soon to
// look again where somebody is writing, or 0.
func (f *Files) look(deliver func(Revision)) time.Duration {
	r := Revision{Err: f.follow()}
	if r.Err == nil {
		r.Sources, r.Err = f.read()
	}
	again, wait := f.writing(errors.Is(r.Err, kernel.ErrBusy))
	if wait {
		return again
	}
	said := ""
	switch {
	case r.Err != nil:
		r.Sources = nil
		said = "error: " + r.Err.Error()
	default:
		r.Digest = spec.Digest(r.Sources)
		said = r.Digest
	}
	if said != f.last {
		f.last = said
		deliver(r)
	}
	return again
}

// writing notes whether somebody is writing a file, and returns how soon to look again if
// so, and whether to wait for him until then: who leaves it open for good is told of.
func (f *Files) writing(now bool) (again time.Duration, wait bool) {
	switch {
	case !now:
		f.busy = time.Time{}
		return 0, false
	case f.busy.IsZero():
		f.busy = time.Now()
	}
	if time.Since(f.busy) < f.pace.Write {
		return f.pace.Retry, true
	}
	return max(f.pace.Retry, f.pace.Write/30), false
}

func (f *Files) read() ([]spec.Source, error) { return Read(f.paths) }

// Read reads what stands in the files now; kernel.ErrBusy says that somebody is writing.
func Read(paths []string) ([]spec.Source, error) {
	return spec.ReadBy(paths, func(path string) ([]byte, error) { return kernel.ReadQuiet(path, spec.MaxFile) })
}

// follow brings the watches to where the paths lead now. What changes between looking
// and watching is seen by looking again.
func (f *Files) follow() error {
	for {
		t, err := trailOf(f.paths)
		if err != nil {
			return err
		}
		changed, err := f.watch(t)
		if err != nil || !changed {
			return err
		}
	}
}

// watch adds and removes watches, and says whether it did.
func (f *Files) watch(t *trail) (changed bool, err error) {
	for path, d := range f.trail.dirs {
		if now := t.dirs[path]; now == nil || now.inode != d.inode {
			_ = f.watcher.Remove(path) // it went by itself where the directory is gone
			changed = true
		}
	}
	for path, d := range t.dirs {
		if was := f.trail.dirs[path]; was != nil && was.inode == d.inode {
			continue
		}
		changed = true
		if err := f.watcher.Add(path); err != nil && ignoreMissing(err) != nil {
			return false, fmt.Errorf("watch the directory %s: %w", path, err)
		}
	}
	f.trail = t
	return changed, nil
}
