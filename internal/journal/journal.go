package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Format is the version of the file's form. In 1, each entry was about one step, and all
// steps were written in full.
const Format = 2

// fileName is the journal's in the run-time directory of a topology and node.
const fileName = "journal"

// Header says whose run a journal is of, and what the run was going to do.
type Header struct {
	Format   int          `json:"format"`
	Boot     string       `json:"boot"` // of the machine: nothing of another boot is left in the kernel
	Root     uint64       `json:"root"` // inode of the root network namespace
	Topology string       `json:"topology"`
	Node     string       `json:"node"`
	Started  time.Time    `json:"started"`
	Steps    []model.Step `json:"steps"`
}

// Progress is how far a run came with a step.
type Progress uint8

// The states of a step, in this order.
const (
	Untouched Progress = iota
	Begun              // it may be done, half done, or not
	Done
)

func (p Progress) String() string { return [...]string{"untouched", "begun", "done"}[p] }

// entry is a line after the header: how far the run is with a step, or with several that
// are done together; or that all are done and until when it waits to be confirmed.
type entry struct {
	Step     int        `json:"step"`
	Steps    int        `json:"steps,omitempty"` // as of that one; 0: it alone
	Progress string     `json:"progress,omitempty"`
	Await    *time.Time `json:"await,omitempty"`
}

// Journal is a journal being written. Each line is written at once: what was said
// before a process dies can be read afterwards, but for a last line that is cut off.
// As long as it is open, it counts as attended; see Record.
type Journal struct {
	file *os.File
	path string
}

// Create begins a journal in dir, in the place of any other one there.
func Create(dir string, h Header) (*Journal, error) {
	h.Format = Format
	d, err := kernel.MakeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	defer d.Close()
	const next = fileName + ".new"
	_ = d.Remove(next) // left over from a run that died
	f, err := d.OpenOrCreate(next)
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	j := &Journal{file: f, path: filepath.Join(dir, fileName)}
	if err := errors.Join(kernel.HoldToWrite(f), j.begin(h), f.Sync()); err != nil {
		return nil, errors.Join(err, f.Close(), d.Remove(next))
	}
	if err := d.Rename(next, fileName); err != nil {
		return nil, errors.Join(fmt.Errorf("write the journal: %w", err), f.Close(), d.Remove(next))
	}
	return j, nil
}

// Note says how far the run is with a step. Begun must be noted before the step is
// tried.
func (j *Journal) Note(step int, p Progress) error { return j.NoteAll(step, 1, p) }

// NoteAll is Note for n steps that are tried together, as of the first one.
func (j *Journal) NoteAll(first, n int, p Progress) error {
	e := entry{Step: first, Progress: p.String()}
	if n > 1 {
		e.Steps = n
	}
	return j.write(e)
}

// Await says that the run is done, and waits until then to be confirmed.
func (j *Journal) Await(until time.Time) error {
	return errors.Join(j.write(entry{Await: &until}), j.file.Sync())
}

// Path returns the journal's file.
func (j *Journal) Path() string { return j.path }

// Close ends the writing; the journal stays.
func (j *Journal) Close() error { return j.file.Close() }

// Remove ends the run: there is nothing to be taken back. The file is held until it is gone:
// nobody is to take the run for one that was interrupted.
func (j *Journal) Remove() error {
	return errors.Join(Remove(filepath.Dir(j.path)), j.file.Close())
}

// Remove takes the journal out of dir, if there is one.
func Remove(dir string) error {
	d, err := kernel.OpenDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the journal: %w", err)
	}
	defer d.Close()
	if err := d.Remove(fileName); err != nil {
		return fmt.Errorf("remove the journal: %w", err)
	}
	kernel.RemoveDir(dir)
	return nil
}

// begin writes the first line in pieces: a run may have very many steps. The checksum,
// which stands first, is known last.
func (j *Journal) begin(h Header) error {
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	w := summed{to: j.file}
	if _, err := fmt.Fprintf(j.file, "%08x ", 0); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := w.header(h); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if _, err := j.file.WriteAt(fmt.Appendf(nil, "%08x", w.sum), 0); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// write appends a line: the CRC-32 of a document, and the document.
func (j *Journal) write(document any) error {
	b, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(b), b)
	if _, err := j.file.Write(line); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Record is a journal that was read.
type Record struct {
	Header
	Progress []Progress // of each step
	Until    time.Time  // until when it waits to be confirmed; zero: it doesn't
	// Attended says that the process whose run it is, or one that waits for its
	// confirmation, was alive when the journal was read from its directory.
	Attended bool
}

// Waiting says that the run is done, and waits to be confirmed.
func (r *Record) Waiting() bool { return !r.Until.IsZero() }

// maxSize is how large a journal is read: larger ones are not ours.
const maxSize = 1 << 30

// Read reads the journal in dir; it is nil where there is none, or none any more. A last
// line that is cut off is left out; anything else that is not as it was written is an error.
func Read(dir string) (*Record, error) {
	f, err := open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	r, err := Parse(io.LimitReader(f, maxSize))
	if err != nil {
		return nil, fmt.Errorf("read the journal %s: %w; remove it to forget that run", f.Name(), err)
	}
	if r.Attended, err = kernel.Held(f); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	if !r.Attended && !kernel.Linked(f) { // the run has ended while it was read
		return nil, nil
	}
	return r, nil
}

func open(dir string) (*os.File, error) {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Open(fileName)
}

// Parse reads a journal.
func Parse(in io.Reader) (*Record, error) {
	lines := bufio.NewReader(in)
	var r *Record
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil { // the end; what stands here was cut off
			if r == nil {
				return nil, errors.New("it has no beginning")
			}
			return r, nil
		}
		if r, err = r.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// line reads the header if r is nil, else an entry.
func (r *Record) line(line []byte) (*Record, error) {
	sum, document, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(document)) {
		return nil, errors.New("it is not as it was written: the checksum differs")
	}
	if r == nil {
		return header(document)
	}
	var e entry
	if err := json.Unmarshal(document, &e); err != nil {
		return nil, err
	}
	if e.Await != nil {
		r.Until = *e.Await
		return r, nil
	}
	return r, r.note(e)
}

func (r *Record) note(e entry) error {
	if e.Step < 0 || e.Step >= len(r.Steps) {
		return fmt.Errorf("there is no step %d", e.Step)
	}
	n := max(e.Steps, 1)
	if e.Steps < 0 || n > len(r.Steps)-e.Step {
		return fmt.Errorf("there are no %d steps as of %d", e.Steps, e.Step)
	}
	for p := range Done + 1 {
		if p.String() == e.Progress {
			for i := range n {
				r.Progress[e.Step+i] = p
			}
			return nil
		}
	}
	return fmt.Errorf("%q is no progress", e.Progress)
}

func header(document []byte) (*Record, error) {
	var format struct{ Format int }
	if err := json.Unmarshal(document, &format); err != nil {
		return nil, err
	}
	if format.Format < 1 || format.Format > Format {
		return nil, fmt.Errorf("its format is %d; this program reads 1 to %d", format.Format, Format)
	}
	h, err := readHeader(document)
	if err != nil {
		return nil, err
	}
	return &Record{Header: h, Progress: make([]Progress, len(h.Steps))}, nil
}

// Count returns how many steps are at that state of progress.
func (r *Record) Count(p Progress) int {
	n := 0
	for _, x := range r.Progress {
		if x == p {
			n++
		}
	}
	return n
}
