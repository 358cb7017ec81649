package reconcile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// planFormat is the version of a saved plan's form, and planMagic what its first line
// begins with.
const (
	planFormat = 1
	planMagic  = "netplan-overlay plan "
	maxPlan    = 256 << 20 // bytes
)

// SavedPlan is a plan that was made to be executed later, or not at all: its steps hold
// how every object that they touch was found.
type SavedPlan struct {
	Topology string       `json:"topology"`
	Node     string       `json:"node"`
	Digest   string       `json:"digest"` // SHA-256 of the topology's files
	Boot     string       `json:"boot"`   // of the machine
	Root     uint64       `json:"root"`   // inode of the root network namespace
	Version  string       `json:"version"`
	Made     time.Time    `json:"made"`
	Adopt    bool         `json:"adopt"`
	Phase    diff.Phase   `json:"phase"`
	Steps    []model.Step `json:"steps"`
}

// Save returns a plan as it can be executed later on this host; version is the
// program's.
func (r *Reconciler) Save(res *Result, o diff.Options, version string) (*SavedPlan, error) {
	h, err := r.header(nil)
	return &SavedPlan{
		Topology: r.Topology.Name, Node: r.Node.Name, Digest: r.Topology.Digest, Boot: h.Boot, Root: h.Root,
		Version: version, Made: time.Now().UTC(), Adopt: o.Adopt, Phase: o.Phase, Steps: res.Plan.Steps,
	}, err
}

// WritePlan writes a saved plan into a file that only its owner can read, as a whole
// or not at all.
func WritePlan(path string, p *SavedPlan) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	text := fmt.Appendf(nil, "%s\n%s\n", planHead(b), b)
	d, err := kernel.OpenPlace(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	defer d.Close()
	if err := d.Replace(filepath.Base(path), text); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// planHead is the first line of a saved plan, without its end.
func planHead(document []byte) string {
	return fmt.Sprintf("%s%d %x", planMagic, planFormat, sha256.Sum256(document))
}

// ReadPlan reads a saved plan. It follows no symbolic link, and reads no file that
// somebody else could have put or changed there.
func ReadPlan(path string) (*SavedPlan, error) {
	d, err := kernel.OpenPlace(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	defer d.Close()
	f, err := d.Open(filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	defer f.Close()
	p, err := ParsePlan(f)
	if err != nil {
		return nil, fmt.Errorf("read the plan %s: %w", path, err)
	}
	return p, nil
}

// ParsePlan reads a saved plan, and refuses one that is not as it was written.
func ParsePlan(in io.Reader) (*SavedPlan, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxPlan+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxPlan {
		return nil, fmt.Errorf("it has more than %d MiB", maxPlan>>20)
	}
	first, document, ok := bytes.Cut(b, []byte("\n"))
	var format int
	if n, _ := fmt.Sscanf(string(first), planMagic+"%d", &format); !ok || n < 1 {
		return nil, errors.New("it is no saved plan")
	}
	if format != planFormat {
		return nil, fmt.Errorf("its format is %d; this program reads %d: make the plan anew", format, planFormat)
	}
	document, ended := bytes.CutSuffix(document, []byte("\n"))
	if !ended || string(first) != planHead(document) {
		return nil, errors.New("it is not as it was written: cut off, or changed")
	}
	var p SavedPlan
	if err := json.Unmarshal(document, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// StaleError says that a saved plan is not what would be done now.
type StaleError struct{ Why string }

// Error says what differs.
func (e *StaleError) Error() string {
	return "the saved plan is stale: " + e.Why + "; nothing was changed: make the plan anew"
}

func stale(format string, args ...any) error { return &StaleError{fmt.Sprintf(format, args...)} }

// belongsTo refuses a plan that was made for another host, topology or boot.
func (p *SavedPlan) belongsTo(r *Reconciler) error {
	id, err := r.Host.ID()
	if err != nil {
		return err
	}
	boot, err := kernel.BootID()
	if err != nil {
		return err
	}
	switch {
	case p.Topology != r.Topology.Name:
		return stale("it is of the topology %s, not %s", p.Topology, r.Topology.Name)
	case p.Node != r.Node.Name:
		return stale("it is of the node %s, not %s", p.Node, r.Node.Name)
	case p.Digest != r.Topology.Digest:
		return stale("the topology's files have changed since %s", p.Made.Format(time.RFC3339))
	case p.Boot != boot:
		return stale("the machine was started anew since %s", p.Made.Format(time.RFC3339))
	case p.Root != id:
		return stale("it was made on another host")
	}
	return nil
}

// same refuses a plan whose steps are not those that would be done now, naming the
// first object, attribute and both values that differ.
func (p *SavedPlan) same(now []model.Step) error {
	return sameSteps(p.Steps, now)
}

func sameSteps(then, now []model.Step) error {
	for i := range min(len(then), len(now)) {
		if err := sameStep(then[i], now[i]); err != nil {
			return err
		}
	}
	switch {
	case len(then) > len(now):
		s := then[len(now)]
		return stale("to %s %s is not needed any more", s.Op, s.Key())
	case len(then) < len(now):
		s := now[len(then)]
		return stale("to %s %s is needed now, too", s.Op, s.Key())
	}
	return nil
}

func sameStep(was, is model.Step) error {
	if was.Op != is.Op || was.Key() != is.Key() {
		return stale("where it would %s %s, it is now to %s %s", was.Op, was.Key(), is.Op, is.Key())
	}
	for _, side := range [][2]model.Object{{was.Before, is.Before}, {was.After, is.After}} {
		if err := sameObject(side[0], side[1]); err != nil {
			return err
		}
	}
	for _, l := range [][2][]model.Object{{was.Lost(), is.Lost()}, {was.Released(), is.Released()}, {was.Restore(), is.Restore()}} {
		if len(l[0]) != len(l[1]) {
			return stale("what goes with %s was %d objects, and is %d now", was.Key(), len(l[0]), len(l[1]))
		}
		for i := range l[0] {
			if err := sameObject(l[0][i], l[1][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameObject(was, is model.Object) error {
	if was == is {
		return nil
	}
	if was.Key() != is.Key() {
		return stale("%s stands where %s was", is.Key(), was.Key())
	}
	for _, side := range [][2]model.Object{{was, is}, {is, was}} {
		changes, _, _ := model.DiffAttrs(side[0], side[1])
		for _, a := range changes {
			before, after := a.After, a.Before // of was, of is
			if side[0] == is {
				before, after = a.Before, a.After
			}
			return stale("%s of %s was %s, and is %s", a.Name, was.Key(), quoted(before), quoted(after))
		}
	}
	return stale("%s is not as it was", was.Key())
}
