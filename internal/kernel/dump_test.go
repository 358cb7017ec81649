package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// batch runs many commands of ip or bridge at once.
func (s *sim) batch(tool string, n int, line string) {
	s.Helper()
	var in bytes.Buffer
	for i := range n {
		line := strings.ReplaceAll(line, "HI", fmt.Sprint(i/250))
		fmt.Fprintln(&in, strings.ReplaceAll(strings.ReplaceAll(line, "LO", fmt.Sprint(i%250+1)), "HEX", fmt.Sprintf("%02x:%02x", i>>8, i&255)))
	}
	cmd := exec.Command(tool, "-force", "-batch", "-")
	cmd.Stdin = &in
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := s.In("", cmd.Start); err != nil {
		s.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		s.Fatalf("%s -batch: %v: %s", tool, err, errs.String())
	}
}

// lasting is how many objects of most kinds TestInterruptedDump does not touch.
const lasting = 1500

// TestInterruptedDump lists a host on which links, addresses, routes and neighbours come and
// go: what was there all the time is in every list, and once. Of neighbours and FDB entries,
// the kernel may leave some out of each dump that is not quiet, which EachNeighbour and
// EachFDB say: these are found when they are looked up.
func TestInterruptedDump(t *testing.T) {
	const n = lasting
	s := newSim(t)
	s.lines(vxlanCommands + "link add come type bridge\nlink set come up")
	s.batch("ip", n, "route add 10.HI.LO.0/24 dev u0")
	s.batch("ip", n, "route add fd00:HI:LO::/64 dev u0")
	s.batch("ip", n, "neighbour add 10.HI.LO.0 lladdr 02:00:00:00:HEX dev vx0 nud permanent")
	s.batch("bridge", n, "fdb add 02:00:00:00:HEX dev vx0 dst 192.0.2.9")
	s.batch("ip", 200, "link add brHI-LO type bridge")
	s.batch("ip", n, "address add 172.16.HI.LO/32 dev u1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	other := s.open(s.opts)
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			for _, err := range other.Do(context.Background(), comeAndGo(i)) {
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for range 10 {
		for kind, want := range map[model.Kind]int{
			model.KindLink: 200, model.KindAddress: n, model.KindRoute: 2 * n, model.KindNeighbour: n, model.KindFDB: n,
		} {
			if got := s.stable(kind); got != want {
				t.Errorf("%d %ss that are always there are listed, want %d", got, kind, want)
			}
		}
	}
	cancel()
	<-done
}

// comeAndGo makes a few objects among those that stay, and deletes them.
func comeAndGo(i int) []model.Step {
	at := func(format string) string { return fmt.Sprintf(format, i%6, i%200+1) }
	var steps []model.Step
	for _, o := range []model.Object{
		model.Address{Link: "come", Prefix: prefix(at("172.16.%d.%d/24"))},
		plainRoute(at("10.%d.%d.128/25")), plainRoute(at("fd00:%d:%d:8000::/65")),
		model.Neighbour{Link: "vx0", IP: addr(at("10.%d.%d.7")), MAC: some(mac("02:00:00:00:99:99"))},
		model.FDBEntry{Link: "vx0", MAC: model.MAC{2, 0, 0, 1, byte(i), 1}, Dst: someAddr("192.0.2.8")},
	} {
		steps = append(steps, model.Step{Op: model.OpCreate, After: o})
	}
	for _, made := range slices.Clone(steps) {
		steps = append(steps, model.Step{Op: model.OpDelete, Before: made.After})
	}
	if i%50 == 0 {
		l := model.Link{Name: "brief", Type: some(model.TypeBridge)}
		steps = append(steps, model.Step{Op: model.OpCreate, After: l}, model.Step{Op: model.OpDelete, Before: l})
	}
	return steps
}

// confirmed returns each object once, and, where the list may lack some, those that are
// found when they are looked up.
func (s *sim) confirmed(list []model.Object, shaky bool, key func(i int) model.Key) []model.Object {
	s.Helper()
	list = latest(list)
	there := map[model.Key]bool{}
	for _, o := range list {
		there[o.Key()] = true
	}
	for i := range lasting {
		k := key(i)
		if there[k] || !shaky {
			continue
		}
		o, err := s.Look(s.Context(), k)
		if err != nil {
			s.Fatal(err)
		}
		if o != nil {
			list = append(list, o)
		}
	}
	return list
}

// stable lists the objects of a kind, and counts those that TestInterruptedDump does not
// touch.
func (s *sim) stable(k model.Kind) int {
	s.Helper()
	var list []model.Object
	var err error
	switch k {
	case model.KindLink:
		list, err = objects(s.Links(s.Context(), ""))
	case model.KindAddress:
		list, err = objects(s.Addresses(s.Context(), ""))
	case model.KindRoute:
		list, err = objects(s.Routes(s.Context(), ""))
	case model.KindNeighbour:
		var shaky bool
		shaky, err = s.EachNeighbour(s.Context(), "", "vx0", func(n model.Neighbour) { list = append(list, n) })
		list = s.confirmed(list, shaky, func(i int) model.Key {
			return model.NeighbourKey("", "vx0", netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i%250 + 1), 0}))
		})
	case model.KindFDB:
		var shaky bool
		shaky, err = s.EachFDB(s.Context(), "", "vx0", func(f model.FDBEntry) { list = append(list, f) })
		list = s.confirmed(list, shaky, func(i int) model.Key {
			return model.FDBKey("", "vx0", model.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}, netip.Addr{})
		})
	}
	if errors.Is(err, errInterrupted) {
		s.Log(err)
		return s.stable(k)
	}
	if err != nil {
		s.Fatal(err)
	}
	return s.staying(list)
}

// staying counts those of a list that TestInterruptedDump does not touch.
func (s *sim) staying(list []model.Object) int {
	s.Helper()
	n := 0
	seen := map[model.Key]bool{}
	for _, o := range list {
		if seen[o.Key()] {
			s.Errorf("%s is listed twice", o.Key())
		}
		seen[o.Key()] = true
		if stays(o) {
			n++
		}
	}
	return n
}

func stays(o model.Object) bool {
	switch o := o.(type) {
	case model.Link:
		return strings.Contains(o.Name, "-")
	case model.Address:
		return o.Link == "u1"
	case model.Route:
		return o.Protocol.Value() == unix.RTPROT_BOOT
	case model.Neighbour:
		return o.MAC.Value()[4] != 0x99
	case model.FDBEntry:
		return o.MAC[3] == 0
	}
	return false
}

// A dump that never comes to an end in peace is an error, not half an answer; so is one
// whose context has ended.
func TestDumpGivesUp(t *testing.T) {
	s := newSim(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l, err := s.Routes(ctx, ""); !errors.Is(err, context.Canceled) || len(l) != 0 {
		t.Errorf("got %v, %v", l, err)
	}
	for _, end := range []uint16{unix.NLM_F_DUMP_INTR, 0} {
		c := scripted(t, func(seq uint32) []byte {
			link := newMessage(unix.RTM_NEWLINK, 0, ifinfo(1, 0, 0)).str(unix.IFLA_IFNAME, "lo")
			native.PutUint16(link[6:], unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR&^end)
			link.seal(seq)
			done := newMessage(unix.NLMSG_DONE, 0, []byte{0, 0, 0, 0})
			native.PutUint16(done[6:], end)
			done.seal(seq)
			return append(link, done...)
		})
		b, err := c.dump(t.Context(), newMessage(unix.RTM_GETLINK, 0, ifinfo(0, 0, 0)))
		if !errors.Is(err, errInterrupted) || b != nil {
			t.Errorf("got %v, %v, want %v", b, err, errInterrupted)
		}
	}
}

// Answers to requests that were given up are not taken for those to the next one.
func TestLateAnswers(t *testing.T) {
	needRoot(t)
	c := scripted(t, func(seq uint32) []byte {
		var all []byte
		for i, name := range []string{"late", "now"} {
			m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(1, 0, 0)).str(unix.IFLA_IFNAME, name)
			m.seal(seq - 1 + uint32(i))
			all = append(all, m...)
		}
		return all
	})
	b, err := c.get(newMessage(unix.RTM_GETLINK, 0, ifinfo(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := parseLink(b); r.link.Name != "now" {
		t.Errorf("got the answer %q", r.link.Name)
	}
}

// TestDumpInPieces reads dumps of many receives, some of which have late answers before,
// between or after what counts: each message is there once, in order, also where the memory
// of the dump before serves again.
func TestDumpInPieces(t *testing.T) {
	for _, parts := range []int{1, 3, 50} {
		sent := make(chan []string, 1)
		c := scriptedParts(t, func(seq uint32) [][]byte {
			var all [][]byte
			var want []string
			add := func(b []byte, seq uint32, name string) []byte {
				m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_MULTI, ifinfo(1, 0, 0)).str(unix.IFLA_IFNAME, name)
				m.seal(seq)
				return append(b, m...)
			}
			for i := range parts {
				var b []byte
				for k := range 600 {
					if (i+k)%97 == 0 {
						b = add(b, seq-1, "late")
					}
					want = append(want, fmt.Sprintf("l%d-%d-%d", seq, i, k))
					b = add(b, seq, want[len(want)-1])
				}
				all = append(all, add(b, seq-1, "late"))
			}
			done := newMessage(unix.NLMSG_DONE, 0, []byte{0, 0, 0, 0})
			done.seal(seq)
			sent <- want
			return append(all, done)
		})
		for range 3 {
			l, err := c.dump(t.Context(), newMessage(unix.RTM_GETLINK, 0, ifinfo(0, 0, 0)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for r := range l.replies() {
				raw, _ := parseLink(r.body)
				got = append(got, raw.link.Name)
			}
			if diff := cmp.Diff(<-sent, got); diff != "" {
				t.Fatalf("%d parts (-want +got):\n%s", parts, diff)
			}
			c.recycle(l)
		}
	}
}

// Of a dump that is sifted, what is wanted is what a whole dump has of it, also if changes
// interrupt it, and if late answers come between.
func TestSift(t *testing.T) {
	needRoot(t)
	for _, tc := range []struct {
		name        string
		interrupted int // how many dumps are
		last        uint16
		code        syscall.Errno
		want        error
	}{
		{"whole", 0, unix.NLMSG_DONE, 0, nil},
		{"interrupted", 2, unix.NLMSG_DONE, 0, nil},
		{"for ever", maxDumps, unix.NLMSG_DONE, 0, errInterrupted},
		{"refused", 1, unix.NLMSG_ERROR, unix.EPERM, unix.EPERM},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			c := scriptedParts(t, func(seq uint32) (parts [][]byte) {
				tries++
				flags := uint16(unix.NLM_F_MULTI)
				if tries <= tc.interrupted {
					flags |= unix.NLM_F_DUMP_INTR
				}
				add := func(b []byte, typ uint16, seq uint32, body []byte, name string) []byte {
					m := newMessage(typ, flags, body)
					if name != "" {
						m = m.str(unix.IFLA_IFNAME, name)
					}
					m.seal(seq)
					return append(b, m...)
				}
				for part := range 3 {
					var b []byte
					for i := range 100 {
						b = add(b, unix.RTM_NEWLINK, seq, ifinfo(uint32(part*100+i), 0, 0), fmt.Sprintf("l%d", tries))
						b = add(b, unix.RTM_NEWLINK, seq-1, ifinfo(30, 0, 0), "late")
					}
					parts = append(parts, b)
				}
				if tries > tc.interrupted {
					return append(parts, add(nil, tc.last, seq, native.AppendUint32(nil, -uint32(tc.code)), ""))
				}
				return append(parts, add(nil, unix.NLMSG_DONE, seq, native.AppendUint32(nil, 0), ""))
			})
			sifted, err := c.sift(t.Context(), newMessage(unix.RTM_GETLINK, 0, ifinfo(0, 0, 0)), func(body []byte) bool {
				l, _ := parseLink(body)
				return l.index%30 == 0
			})
			var got []string
			for r := range sifted.replies() {
				l, _ := parseLink(r.body)
				got = append(got, fmt.Sprint(l.index, l.link.Name))
			}
			var want []string
			if !errors.Is(tc.want, errInterrupted) {
				for i := 0; i < 300; i += 30 {
					want = append(want, fmt.Sprint(i, fmt.Sprintf("l%d", tc.interrupted+1)))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v (-want +got):\n%s", err, tc.want, diff)
			}
		})
	}
}

// scripted returns a conn whose other end is not the kernel, but answers each request
// with what answer returns.
func scripted(t *testing.T, answer func(seq uint32) []byte) *conn {
	t.Helper()
	return scriptedParts(t, func(seq uint32) [][]byte { return [][]byte{answer(seq)} })
}

// scriptedParts answers each request with what comes in several receives.
func scriptedParts(t *testing.T, answer func(seq uint32) [][]byte) *conn {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]) })
	go func() {
		defer unix.Close(pair[1])
		b := make([]byte, 4096)
		for {
			n, err := unix.Read(pair[1], b)
			if err != nil || n == 0 {
				return
			}
			for _, part := range answer(native.Uint32(b[8:])) {
				if _, err := unix.Write(pair[1], part); err != nil {
					return
				}
			}
		}
	}()
	return &conn{fd: pair[0]}
}
