package reconcile

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The topology that was applied last lies beside the journal, so that a plan can tell
// what the file has changed from what the host has: its digest, and in the next line its
// texts. Nothing is decided by it: a file that is missing, unreadable or not what it
// should be makes plans say less, and no more.
const (
	appliedFile = "applied"
	pendingFile = "applied.pending" // of a run that waits to be confirmed
)

// maxApplied is how much of it is read, in bytes: several files of the greatest size.
const maxApplied = 128 << 20

// remember notes the topology that was just applied as a whole.
func (r *Reconciler) remember(res *Result, o ApplyOptions) {
	d, err := kernel.MakeDir(r.stateDir())
	if err != nil {
		return
	}
	defer d.Close()
	switch {
	case res.Expansion == nil: // all was removed
		_ = d.Remove(appliedFile)
	case o.Phase != diff.Whole:
	case o.Confirm.Within > 0 && !res.Plan.Empty():
		_ = d.Replace(pendingFile, appliedText(r.Topology))
	case appliedDigest(d) != r.Topology.Digest:
		_ = d.Replace(appliedFile, appliedText(r.Topology))
	}
}

// keepApplied notes the topology of a run that was just confirmed.
func keepApplied(dir string) {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Rename(pendingFile, appliedFile)
}

func appliedText(t *spec.Topology) []byte {
	b, err := json.Marshal(t.Sources)
	if err != nil {
		return nil
	}
	return append([]byte(t.Digest+"\n"), b...)
}

func readApplied(d *kernel.Dir, most int64) []byte {
	f, err := d.Open(appliedFile)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil
	}
	return b
}

func appliedDigest(d *kernel.Dir) string {
	const most = 128 // a digest and the end of its line
	digest, _, _ := bytes.Cut(readApplied(d, most), []byte("\n"))
	return string(digest)
}

// lastWanted returns what the topology that was applied last wanted of the host, by the
// facts of now; nil where that is not known.
func (r *Reconciler) lastWanted(now *model.State, facts model.Facts) *model.State {
	d, err := kernel.OpenDir(r.stateDir())
	if err != nil {
		return nil
	}
	defer d.Close()
	if appliedDigest(d) == r.Topology.Digest {
		return now
	}
	return wantedBy(readApplied(d, maxApplied), r.Topology, r.Node, now, facts)
}

// recall is lastWanted for who will know only later whether to ask: where the topology has
// changed since, it begins at once to find out what the former one wanted, beside what
// the caller does meanwhile.
func (r *Reconciler) recall(facts model.Facts) func(now *model.State) *model.State {
	d, err := kernel.OpenDir(r.stateDir())
	if err != nil {
		return func(*model.State) *model.State { return nil }
	}
	defer d.Close()
	if appliedDigest(d) == r.Topology.Digest {
		return func(now *model.State) *model.State { return now }
	}
	note, last := readApplied(d, maxApplied), make(chan *model.State, 1)
	go func() { last <- wantedBy(note, r.Topology, r.Node, nil, facts) }()
	return func(*model.State) *model.State { return <-last }
}

// adapted adapts what was wanted before to the host, as what is wanted now was; nil stays
// nil.
func adapted(last, now, observed *model.State) *model.State {
	if last != nil && last != now {
		desired.Adapt(last, observed)
	}
	return last
}

// Applied returns the note of the topology that was applied last for a node, for a
// snapshot; nil where there is none.
func (p Place) Applied(id model.Identity) []byte {
	if id == (model.Identity{}) {
		return nil
	}
	d, err := kernel.OpenDir(p.stateDir(&spec.Topology{Name: id.Topology}, &spec.Node{Name: id.Node}))
	if err != nil {
		return nil
	}
	defer d.Close()
	return readApplied(d, maxApplied)
}

// AppliedDigest returns the digest of the topology that was applied last for a node, ""
// where none is noted.
func (p Place) AppliedDigest(id model.Identity) string {
	d, err := kernel.OpenDir(p.stateDir(&spec.Topology{Name: id.Topology}, &spec.Node{Name: id.Node}))
	if err != nil {
		return ""
	}
	defer d.Close()
	return appliedDigest(d)
}

// wantedBy returns what the topology that is noted wanted of a node of the present one;
// nil where that is not known.
func wantedBy(note []byte, now *spec.Topology, node *spec.Node, wanted *model.State, facts model.Facts) *model.State {
	digest, texts, _ := bytes.Cut(note, []byte("\n"))
	if string(digest) == now.Digest {
		return wanted
	}
	var sources []spec.Source
	if json.Unmarshal(texts, &sources) != nil {
		return nil
	}
	t, _ := spec.Parse(sources)
	if t == nil || t.Digest != string(digest) || t.Name != now.Name {
		return nil
	}
	node = nodeNamed(t, node.Name)
	if node == nil {
		return nil
	}
	x, err := desired.Expand(t, node, facts)
	if err != nil {
		return nil
	}
	return x.State
}
