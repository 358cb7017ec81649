package reconcile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The topology that was applied last lies beside the journal, so that a plan can tell
// what the file has changed from what the host has: its digest, in the next line its
// texts, and then digests of what it wanted. Nothing is decided by it: a file that is missing, unreadable or not what it
// should be makes plans say less, and no more.
const (
	appliedFile = "applied"
	pendingFile = "applied.pending" // of a run that waits to be confirmed
	draftFile   = "applied.draft"   // of one that is being executed, under the host's lock
)

// maxApplied is how much of it is read, in bytes: several files of the greatest size.
const maxApplied = 128 << 20

// remember ends the note of a run. If that ended well, the topology that was just applied as
// a whole is what is noted.
func (r *Reconciler) remember(res *Result, err error, o ApplyOptions) {
	n := r.draft
	r.draft = draft{}
	if kept := n.end(err == nil && n.of == res.Expansion); kept || err != nil {
		return
	}
	d, err := kernel.MakeDir(r.stateDir())
	if err != nil {
		return
	}
	defer d.Close()
	waits := o.Confirm.Within > 0 && !res.Plan.Empty()
	switch {
	case res.Expansion == nil && waits:
		_ = d.Replace(pendingFile, nil) // that nothing is applied
	case res.Expansion == nil:
		_ = d.Remove(appliedFile)
	case o.Phase != diff.Whole:
	case waits:
		r.note(d, pendingFile, res)
	case !noted(d, r.Topology, res):
		r.note(d, appliedFile, res)
	}
}

// note writes the note of a run. Where it can't, there is none: the former one would tell
// wrong things.
func (r *Reconciler) note(d *kernel.Dir, name string, res *Result) {
	err := d.ReplaceBy(name, func(w io.Writer) error {
		return writeApplied(w, r.Topology, res.Expansion.State.Digests(), res.facts)
	})
	if err != nil {
		_ = d.Remove(appliedFile)
	}
}

// noted says whether what would be remembered is.
func noted(d *kernel.Dir, t *spec.Topology, res *Result) bool {
	if appliedDigest(d) != t.Digest {
		return false
	}
	f, err := d.Open(appliedFile)
	if err != nil {
		return false
	}
	defer f.Close()
	return endsWith(f, appendFooter(nil, res.Expansion.State.Makeable(), res.facts))
}

// keepApplied notes the topology of a run that was just confirmed, or that it has removed all.
func keepApplied(dir string) {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Rename(pendingFile, appliedFile) // of a phase, there is none
	if appliedDigest(d) == "" {
		_ = d.Remove(appliedFile)
	}
}

// dropPending removes the note of a run that was taken back, or that ended before its
// confirmation was awaited: it would become that of the next one that is confirmed.
func dropPending(dir string) {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Remove(pendingFile)
}

// writeApplied writes the note of a topology, and of what it wanted by the facts, in pieces:
// that of a large fleet has megabytes.
func writeApplied(to io.Writer, t *spec.Topology, wanted []model.Digest, facts model.Facts) error {
	const piece = 64 << 10
	w := bufio.NewWriterSize(to, piece)
	w.WriteString(t.Digest + "\n") // a bufio.Writer keeps its error until Flush
	if err := writeSources(w, t.Sources); err != nil {
		return err
	}
	w.WriteByte('\n')
	writeObjects(w, wanted, facts)
	return w.Flush()
}

// writeSources writes the texts as json.Marshal would.
func writeSources(w *bufio.Writer, l []spec.Source) error {
	sep := "["
	for _, s := range l {
		head, err := json.Marshal(spec.Source{Name: s.Name, Data: []byte{}})
		if err != nil {
			return err
		}
		const tail = `"}` // of the empty text
		w.WriteString(sep)
		w.Write(bytes.TrimSuffix(head, []byte(tail)))
		const most = 12 << 10 // bytes, a multiple of 3: only the last ones may be padded
		for piece := range slices.Chunk(s.Data, most) {
			w.Write(base64.StdEncoding.AppendEncode(w.AvailableBuffer(), piece))
		}
		w.WriteString(tail)
		sep = ","
	}
	if len(l) == 0 {
		w.WriteString(sep)
	}
	w.WriteByte(']')
	return nil
}

// readApplied reads the digest and the texts.
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
	digest, texts, _ := bytes.Cut(b, []byte("\n"))
	if end := bytes.IndexByte(texts, '\n'); end >= 0 {
		return b[:len(digest)+1+end]
	}
	return b
}

func appliedDigest(d *kernel.Dir) string {
	const most = 128 // a digest and the end of its line
	digest, _, _ := bytes.Cut(readApplied(d, most), []byte("\n"))
	return string(digest)
}

// recall finds out what the topology that was applied last wanted of the host, by the facts
// of now, as far as that is asked for later. Where it takes reading that topology, this
// begins at once, beside what the caller does meanwhile.
func (r *Reconciler) recall(ctx context.Context, facts model.Facts) recollection {
	dir, t, node := r.stateDir(), r.Topology, r.Node // as they are now: r may let others go
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return recollection{whole: func() *model.State { return nil }}
	}
	defer d.Close()
	if appliedDigest(d) == r.Topology.Digest {
		return recollection{same: true}
	}
	read := sync.OnceValue(func() *lastTopology { return readLast(dir, t, node) })
	whole := func() *model.State {
		return read().wanted(facts, func(peers []netip.Addr) (model.Facts, error) { return r.factsFor(ctx, r.Host, peers) })
	}
	if l := readObjects(d, facts); l != nil {
		return recollection{objects: l, whole: whole}
	}
	go read()
	return recollection{whole: whole}
}

// lastTopology is the one that was applied last; nil where it isn't known.
type lastTopology struct {
	topology *spec.Topology
	node     *spec.Node
}

func readLast(dir string, now *spec.Topology, node *spec.Node) *lastTopology {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	return parseLast(readApplied(d, maxApplied), now, node)
}

// parseLast reads the topology that a note is of, and finds a node of the present one in it.
func parseLast(note []byte, now *spec.Topology, node *spec.Node) *lastTopology {
	digest, texts, _ := bytes.Cut(note, []byte("\n"))
	var sources []spec.Source
	if json.Unmarshal(texts, &sources) != nil {
		return nil
	}
	t, _ := spec.Parse(sources)
	if t == nil || t.Digest != string(digest) || t.Name != now.Name {
		return nil
	}
	if node = nodeNamed(t, node.Name); node == nil {
		return nil
	}
	return &lastTopology{t, node}
}

// wanted returns what it wanted of its node by the facts of now; nil where that is not known.
// Another backend may need to know of the peers what the present one doesn't: ask finds that
// out.
func (f *lastTopology) wanted(facts model.Facts, ask func(peers []netip.Addr) (model.Facts, error)) *model.State {
	if f == nil {
		return nil
	}
	if peers := desired.Peers(f.topology, f.node); len(peers) > 0 && facts.Direct.None() {
		more, err := ask(peers)
		if err != nil {
			return nil
		}
		facts.Direct = more.Direct
	}
	x, err := desired.Expand(f.topology, f.node, facts)
	if err != nil {
		return nil
	}
	return x.State
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
