package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// spoiled returns an object that the kernel refuses to make, and its errno.
func spoiled(o model.Object) (model.Object, syscall.Errno) {
	switch o := o.(type) {
	case model.FDBEntry:
		o.Dst = someAddr("2001:db8::7")
		return o, unix.EAFNOSUPPORT
	case model.Neighbour:
		o.MAC = model.Opt[model.MAC]{}
		return o, unix.EINVAL
	case model.Route:
		o.OnLink = some(false)
		return o, unix.ENETUNREACH
	}
	panic("there are no others in a fleet")
}

// truthful fails the test unless just those steps have no error that made their object.
func (s *sim) truthful(what string, steps []model.Step, errs []error) {
	s.Helper()
	there := s.snapshot()
	for i, step := range steps {
		if _, ok := there[step.Key().String()]; ok != (errs[i] == nil) {
			s.Errorf("%s: step %d, %s, has the error %v; is it there: %v", what, i, step.Key(), errs[i], ok)
		}
	}
}

// Any steps of a chunk may be refused: each has its own error, with the kernel's own
// words, all others are done, and no further chunk is sent.
func TestRefusedInChunk(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	objects := fleet(100)
	before := s.snapshot()
	for _, tc := range []struct {
		steps int
		bad   []int
	}{
		{2, []int{0}},
		{2, []int{1}},
		{2, []int{0, 1}},
		{12, []int{3, 4, 5, 9}},
		{249, []int{248}},
		{250, []int{0, 249}},
		{251, []int{2, 250}}, // the last one is not reached
		{251, []int{250}},
		{300, []int{250}},
		{300, []int{299}},
		{300, all(300)},
	} {
		what := fmt.Sprintf("%d steps, bad ones %v", tc.steps, tc.bad[:min(len(tc.bad), 5)])
		list := slices.Clone(objects[:tc.steps])
		errnos := make([]error, tc.steps)
		for _, i := range tc.bad {
			list[i], errnos[i] = spoiled(list[i])
		}
		steps := creating(list)
		errs := s.Do(t.Context(), steps)
		s.truthful(what, steps, errs)
		end := tc.bad[0]/chunkMessages*chunkMessages + chunkMessages // of the chunk with the first bad one
		for i, err := range errs {
			want := errnos[i]
			if i >= end {
				want = ErrNotTried
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: step %d has the error %v, want %v", what, i, err, want)
			}
			if want == unix.ENETUNREACH && !strings.Contains(err.Error(), "the kernel says: Nexthop has invalid gateway") {
				t.Errorf("%s: step %d has the error %v, without the kernel's words", what, i, err)
			}
		}
		s.done(removing(list)) // of what is not there, too
		s.unchanged(what, before)
	}
}

func all(n int) (l []int) {
	for i := range n {
		l = append(l, i)
	}
	return l
}

// OnWrite refuses any request of a chunk in the kernel's place, and counts them all.
func TestOnWriteInChunk(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	steps := creating(fleet(4))
	for i := range steps {
		asked := 0
		o := s.opts
		o.OnWrite = func() error {
			if asked++; asked == i+1 {
				return unix.EIO
			}
			return nil
		}
		traced := make([]error, 0, len(steps))
		o.Trace = func(step model.Step, err error) {
			if step.Key() != steps[len(traced)].Key() {
				t.Errorf("step %d traced is %s", len(traced), step.Key())
			}
			traced = append(traced, err)
		}
		h := s.open(o)
		errs := h.Do(t.Context(), steps)
		s.truthful(fmt.Sprintf("request %d refused", i), steps, errs)
		if !errors.Is(errs[i], unix.EIO) || !slices.Equal(errs, traced) {
			t.Errorf("request %d refused: errors are %v, traced were %v", i, errs, traced)
		}
		if h.Writes() != uint64(len(steps)) {
			t.Errorf("%d requests, want %d", h.Writes(), len(steps))
		}
		s.done(removing(fleet(4)))
	}
}

// Where answers are lost, a step is never said to be done that isn't; and the next
// steps are done as ever.
func TestLostAnswers(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	root, err := s.space("")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(root.conn.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil { // as small as can be
		t.Fatal(err)
	}
	list := fleet(20)
	for i := range list {
		if i%2 == 1 {
			list[i], _ = spoiled(list[i])
		}
	}
	steps := creating(list)
	errs := s.Do(t.Context(), steps)
	there := s.snapshot()
	unknown := 0
	for i, err := range errs {
		_, ok := there[steps[i].Key().String()]
		switch {
		case err == nil:
			t.Errorf("step %d has no error, although answers were lost", i)
		case errors.Is(err, ErrUnknown):
			unknown++
		case ok:
			t.Errorf("step %d is done, and has the error %v", i, err)
		}
	}
	if unknown <= len(list)/2 || unknown == len(list) {
		t.Errorf("of %d steps, %d are unknown", len(list), unknown)
	}
	if want := "create " + steps[0].Key().String() + ": the kernel's answer was lost; it may be done, or not"; errs[0] == nil || errs[0].Error() != want {
		t.Errorf("the error is %v, want %s", errs[0], want)
	}
	s.done(removing(list)[:1])
	s.done(removing(list)[1:3])
}

// The errors of a whole chunk fit the receive buffer that a socket has by default.
func TestAnswersFit(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	var list []model.Object
	for _, o := range fleet(chunkMessages) {
		if _, ok := o.(model.Route); ok {
			bad, _ := spoiled(o)
			list = append(list, bad)
		}
	}
	for i, err := range s.Do(t.Context(), creating(list)) {
		if !errors.Is(err, unix.ENETUNREACH) {
			t.Errorf("step %d has the error %v", i, err)
		}
	}
}

// Several runs at once don't get each other's answers.
func TestChunksAtOnce(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	list := fleet(600)
	for i := range list {
		if i%50 == 7 {
			list[i], _ = spoiled(list[i])
		}
	}
	var all sync.WaitGroup
	for start := 0; start < len(list); start += 10 {
		all.Go(func() {
			for i, err := range s.Do(context.Background(), creating(list[start:start+10])) {
				if (err != nil) != ((start+i)%50 == 7) {
					t.Errorf("%s has the error %v", list[start+i].Key(), err)
				}
			}
		})
	}
	all.Wait()
}

// A context that ends within a run lets the chunk be done that is under way.
func TestContextEndsBetweenChunks(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	ctx, cancel := context.WithCancel(t.Context())
	o := s.opts
	o.OnWrite = func() error { cancel(); return nil }
	steps := creating(fleet(100))
	errs := s.open(o).Do(ctx, steps)
	s.truthful("the context has ended", steps, errs)
	for i, err := range errs {
		var want error
		switch {
		case i == chunkMessages:
			want = context.Canceled
		case i > chunkMessages:
			want = ErrNotTried
		}
		if !errors.Is(err, want) {
			t.Errorf("step %d has the error %v, want %v", i, err, want)
		}
	}
}

// What takes more than its one message gets it also in the middle of a chunk: rows that
// were learnt are replaced, gateways shown the way, and what is absent is removed.
func TestMoreThanOneMessage(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands + "route add fd42::/32 via 2001:db8::246")
	six := routed(viaRoute("fd42:0:0:2::/64", "fd42:0:0:2::"), func(r *model.Route) { r.Dev, r.OnLink = some("vx0"), some(true) })
	for i := range 2 {
		list := fleet(3)
		learnt, fixed := list[3].(model.FDBEntry), list[6].(model.FDBEntry)
		s.run("", "bridge", "fdb", "add", learnt.MAC.String(), "dev", "vx0", "dst", "192.0.2.99", "dynamic")
		list = slices.Insert(list, 5, model.Object(six))
		if i == 1 {
			s.run("", "bridge", "fdb", "add", fixed.MAC.String(), "dev", "vx0", "dst", "192.0.2.99")
		}
		errs := s.Do(t.Context(), creating(list))
		for n, o := range list {
			if i == 1 && n == 7 {
				if s.opErrorOf(errs[n]); !errors.Is(errs[n], unix.EEXIST) {
					t.Errorf("over a static row: got error %v, want %v", errs[n], unix.EEXIST)
				}
				continue
			}
			if errs[n] != nil {
				t.Errorf("step %d: %v", n, errs[n])
				continue
			}
			s.has("in a chunk", o, s.mustGet(o.Key()))
		}
		s.done(removing(list))
		s.done(removing(list)) // once more
	}
}

// Nothing is removed in the chunk that makes what is to come in its place: if that
// fails, what there was is still there.
func TestMadeBeforeRemoved(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	old, next := fleet(6)[:9], fleet(6)[9:]
	s.done(creating(old))
	before := s.snapshot()
	next[0], _ = spoiled(next[0])
	steps := append(creating(next[:2]), removing(old)...)
	errs := s.Do(t.Context(), steps)
	if errs[0] == nil || errs[1] != nil || !errors.Is(errs[2], ErrNotTried) {
		t.Errorf("errors are %v", errs[:3])
	}
	s.remove(next[1])
	s.unchanged("a step that failed", before)
}

// Steps of several namespaces and kinds keep their order: each finds what those before
// it have made.
func TestChunksOfManyPlaces(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	var made []model.Object
	for i := range 3 {
		ns := fmt.Sprintf("n%d", i)
		made = append(made, model.Netns{Name: ns, LoUp: some(true)})
		made = append(made, model.Link{Netns: ns, Name: "br0", Type: some(model.TypeBridge), Up: some(true)})
		made = append(made, model.Address{Netns: ns, Link: "br0", Prefix: prefix("10.1.0.1/24"), Protocol: some(model.MarkProtocol)})
		made = append(made, model.Address{Netns: ns, Link: "br0", Prefix: prefix("fd01::1/64"), Protocol: some(model.MarkProtocol)})
		for j := range 300 {
			r := viaRoute(fmt.Sprintf("fd42:0:%x::/48", j), "fd01::2")
			r.Netns, r.Dev = ns, some("br0")
			made = append(made, r)
		}
	}
	s.done(creating(made))
	for _, o := range made {
		if _, ok := o.(model.Route); !ok {
			s.has("made", o, s.mustGet(o.Key()))
		}
	}
	for i := range 3 {
		l, err := s.Routes(t.Context(), fmt.Sprintf("n%d", i))
		if ours := slices.DeleteFunc(l, func(r model.Route) bool { return r.Protocol != some(model.MarkProtocol) }); err != nil || len(ours) != 300 {
			t.Errorf("%d routes, %v", len(ours), err)
		}
	}
	for _, b := range s.prebuilt(creating(fleet(1000))) {
		if len(b) > chunkBytes || count(b) > chunkMessages {
			t.Errorf("%d messages of %d bytes are sent at once", count(b), len(b))
		}
	}
	s.done(removing(made))
	if left := s.snapshot(); len(left) > 0 && strings.Contains(fmt.Sprint(left), "in netns") {
		t.Errorf("left are %v", left)
	}
}

// count returns how many messages are in b.
func count(b []byte) int {
	n := 0
	for range replies(b) {
		n++
	}
	return n
}
