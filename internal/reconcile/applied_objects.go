package reconcile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Behind the texts of the topology that was applied last stand digests of the objects that
// it wanted of the host: whether one of them was wanted before, and as it is wanted now, or
// as it is on the host, is known without reading the former topology again, which would take
// as long as all the rest of a plan.
//
// Last in the file is a footer of fixed length; before it, the peers that were not on the
// link, and before these, the digests.
const (
	digestSize = 16 // bytes
	peerSize   = 8
	footerSize = 24
	footerMark = "objects2" // says what this is; another form of it gets another one
)

// writeObjects writes the digests of what is wanted by the facts. The writer keeps its error.
func writeObjects(w *bufio.Writer, wanted []model.Digest, facts model.Facts) {
	for _, d := range wanted {
		b := binary.LittleEndian.AppendUint64(w.AvailableBuffer(), d.Key)
		w.Write(binary.LittleEndian.AppendUint64(b, d.Object))
	}
	w.Write(appendFooter(nil, len(wanted), facts))
}

// appendFooter appends what tells by which facts it was.
func appendFooter(b []byte, objects int, facts model.Facts) []byte {
	peers := indirect(facts)
	for _, p := range peers {
		b = binary.LittleEndian.AppendUint64(b, p)
	}
	b = binary.LittleEndian.AppendUint64(b, sumOf(facts))
	b = binary.LittleEndian.AppendUint32(b, uint32(objects))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(peers)))
	return append(b, footerMark...)
}

// indirect returns what stands for the peers that are not on the node's link, in order.
func indirect(facts model.Facts) []uint64 {
	var l []uint64
	for a, d := range facts.Direct.All() {
		if !d.OK {
			l = append(l, sum(a.String()))
		}
	}
	slices.Sort(l)
	return l
}

// sumOf stands for all facts that are not about peers.
func sumOf(f model.Facts) uint64 {
	var b bytes.Buffer
	for _, family := range []int{4, 6} {
		u := f.Underlay[family]
		b.WriteString(u.Device + "\n" + u.Prefix.String() + "\n")
		b.Write(binary.LittleEndian.AppendUint32(nil, u.MTU))
	}
	b.WriteString(f.AcceptRA + "\n")
	if f.AddressProtocol {
		b.WriteString("address protocol")
	}
	return sum(b.String())
}

func sum(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s) // a hash takes everything
	return h.Sum64()
}

// endsWith says whether a file ends with the bytes.
func endsWith(f *os.File, b []byte) bool {
	end := make([]byte, len(b))
	st, err := f.Stat()
	if err != nil {
		return false
	}
	_, err = f.ReadAt(end, max(0, st.Size()-int64(len(b))))
	return err == nil && bytes.Equal(end, b)
}

// formerObjects are digests of what was wanted before, one after the other.
type formerObjects []byte

// readObjects reads them; nil where there are none, or they were wanted by other facts than
// those of now.
func readObjects(d *kernel.Dir, facts model.Facts) formerObjects {
	f, err := d.Open(appliedFile)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() < footerSize {
		return nil
	}
	footer := make([]byte, footerSize)
	if _, err := f.ReadAt(footer, st.Size()-footerSize); err != nil || string(footer[16:]) != footerMark {
		return nil
	}
	objects, peers := int64(binary.LittleEndian.Uint32(footer[8:])), int64(binary.LittleEndian.Uint32(footer[12:]))
	size := objects*digestSize + peers*peerSize
	if size > st.Size()-footerSize || binary.LittleEndian.Uint64(footer) != sumOf(facts) {
		return nil
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, st.Size()-footerSize-size); err != nil {
		return nil
	}
	l, rest := b[:objects*digestSize], b[objects*digestSize:]
	if !stillDirect(rest, facts) {
		return nil
	}
	return l
}

// stillDirect says whether no peer of now was on the link before and isn't any more, or the
// other way round.
func stillDirect(before []byte, facts model.Facts) bool {
	was := map[uint64]bool{}
	for ; len(before) >= peerSize; before = before[peerSize:] {
		was[binary.LittleEndian.Uint64(before)] = true
	}
	for a, d := range facts.Direct.All() {
		if d.OK && len(was) == 0 {
			continue
		}
		if was[sum(a.String())] == d.OK {
			return false
		}
	}
	return true
}

// states returns, of what was wanted before, all that the changes of a plan are about; ok is
// false where the digests don't tell it.
func (o formerObjects) states(p *diff.Plan, now *model.State) (last *model.State, ok bool) {
	q := question{now: now, found: map[uint64]uint64{}, last: &model.State{}}
	for i := range p.Changes {
		for _, d := range q.digests(&p.Changes[i]) {
			q.found[d.Key] = 0
		}
	}
	for l := []byte(o); len(l) >= digestSize; l = l[digestSize:] {
		k := binary.LittleEndian.Uint64(l)
		if _, ok := q.found[k]; ok {
			q.found[k] = binary.LittleEndian.Uint64(l[8:])
		}
	}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Cause == nil && !q.answer(c) {
			return nil, false
		}
	}
	return q.last, true
}

// question is what has to be known of objects that were wanted before.
type question struct {
	now   *model.State
	found map[uint64]uint64 // digests of whole objects by those of their keys; 0: not wanted before
	last  *model.State
}

// digests returns under which the object of a change may be found.
func (q *question) digests(c *diff.Change) []model.Digest {
	k := c.Key()
	if e, ok := q.now.Get(k); ok {
		return []model.Digest{model.DigestOf(e.Object, e.Free)}
	}
	o := c.Before
	if o == nil || o.Key() != k {
		return nil
	}
	l := []model.Digest{model.DigestOf(o, false)}
	if k.Spreadable() && (k.Metric == 0 || k == k.Spread()) {
		l = append(l, model.DigestOf(o, true))
	}
	return l
}

// answer notes how the object of a change was wanted before; false if that isn't known.
func (q *question) answer(c *diff.Change) bool {
	l := q.digests(c)
	if len(l) == 0 {
		return false
	}
	wanted, ok := q.now.Get(c.Key())
	if !ok {
		return q.answerUnwanted(c, l)
	}
	switch before := q.found[l[0].Key]; {
	case wanted.Ref:
		return false
	case before == 0:
		return true
	case before == l[0].Object:
		q.put(wanted.Object)
		return true
	case c.Before != nil && c.Before.Key() == c.Key():
		was, ok := model.Narrowed(c.Before, wanted.Object)
		if !ok || model.DigestOf(was, wanted.Free).Object != before {
			return false
		}
		q.put(was)
		return true
	}
	return false
}

// answerUnwanted is answer for an object that is not wanted any more. A free route was
// wanted with the metric that it has, unless the host has it with both.
func (q *question) answerUnwanted(c *diff.Change, l []model.Digest) bool {
	if q.found[l[0].Key] != 0 {
		q.put(c.Before)
		return true
	}
	if len(l) == 1 || q.found[l[1].Key] == 0 {
		return true
	}
	if k := c.Key(); q.now.Has(k.Plain()) || q.now.Has(k.Spread()) {
		return false
	}
	q.put(c.Before)
	return true
}

func (q *question) put(o model.Object) { q.last.Put(model.Entry{Object: o}) }

// recollection is what is known of what was wanted before.
type recollection struct {
	same    bool                // as now
	objects formerObjects       // nil: not known by these
	whole   func() *model.State // reads the former topology; its nil says that it isn't known
}

// originate notes where the changes of a plan come from.
func (m recollection) originate(p *diff.Plan, now, observed *model.State) {
	if m.same {
		diff.Originate(p, now, now)
		return
	}
	if m.objects != nil {
		if last, ok := m.objects.states(p, now); ok {
			diff.Originate(p, now, last)
			return
		}
	}
	last := m.whole()
	if last != nil {
		desired.Adapt(last, observed)
	}
	diff.Originate(p, now, last)
}
