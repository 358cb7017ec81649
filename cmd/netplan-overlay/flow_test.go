package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pace is how fast flows send, and how patient those are who watch them.
type pace struct {
	every  time.Duration // between two packets of a flow
	pause  time.Duration // after each step, in slow motion
	silent time.Duration // what is silent for so long after a change is dead
	window int           // packets that must all arrive before something counts as flowing
	paused bool          // in slow motion
}

// ourPace is 1 kHz, and less in the virtual machine, which is slow. Who measures waits
// longer.
func ourPace() pace {
	p := pace{every: time.Millisecond, pause: 40 * time.Millisecond, silent: 2 * time.Second, window: 50}
	if slow() {
		p = pace{every: 10 * time.Millisecond, pause: 400 * time.Millisecond, silent: 5 * time.Second, window: 20}
	}
	if os.Getenv(runsVar) != "" {
		p.pause, p.silent = 5*p.pause/2, 3*p.silent/2
	}
	return p
}

// flow is UDP packets that one namespace sends to another at a steady pace. They are
// numbered, so that it is known of each whether it arrived.
type flow struct {
	name     string
	pace     pace
	size     int // of the packet, with the IP header
	from, to end
	stopped  context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	sender  *net.UDPConn
	sink    *net.UDPConn
	target  netip.AddrPort
	sent    int
	arrived []bool // by number
	late    uint32 // packets that the sink was too slow to take
}

// margin is how many packets may be on their way.
const margin = 20

// startFlow lets packets flow until the test ends.
func (w *world) startFlow(p pace, name string, from, to end, size int) *flow {
	w.t.Helper()
	f := &flow{name: name, pace: p, size: size, from: from, to: to}
	f.open(w.t)
	ctx, cancel := context.WithCancel(context.Background())
	f.stopped = cancel
	w.t.Cleanup(func() { f.stop() })
	f.running.Go(func() { f.send(ctx) })
	f.running.Go(func() { f.receive(ctx) })
	return f
}

// open opens the flow's sockets, or opens them again where its namespaces were made anew.
func (f *flow) open(t *testing.T) {
	t.Helper()
	sink, sender := f.to.listen(t), f.from.listen(t)
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sink, f.sender = sink, sender
	f.target = netip.AddrPortFrom(f.to.address, sink.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sink != nil {
		_, _ = f.sink.Close(), f.sender.Close() // twice by a test that ends regularly
	}
}

// end is one end of a flow.
type end struct {
	host    *host
	netns   string
	address netip.Addr
}

// listen opens a socket in the end's namespace, with room for seconds of packets.
// It listens on any address: the namespace may lose its own and get it again.
func (e end) listen(t *testing.T) *net.UDPConn {
	t.Helper()
	network, local := "udp4", "0.0.0.0:0"
	if e.address.Is6() {
		network, local = "udp6", "[::]:0"
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1))
		}); e != nil {
			return e
		}
		return err
	}}
	var conn net.PacketConn
	err := e.host.door.In(e.netns, func() (err error) {
		conn, err = lc.ListenPacket(context.Background(), network, local)
		return err
	})
	if err != nil {
		t.Fatalf("%s/%s: %v", e.host.name, e.netns, err)
	}
	return conn.(*net.UDPConn)
}

// send sends until the end. Where it comes late, it catches up, but not in bursts
// that would overflow a queue on the way.
func (f *flow) send(ctx context.Context) {
	const most = 50
	overhead := 28
	if f.to.address.Is6() {
		overhead = 48
	}
	b := make([]byte, max(f.size-overhead, 8))
	next := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if behind := now.Sub(next); behind > most*f.pace.every {
			next = now
		}
		for ; !next.After(now); next = next.Add(f.pace.every) {
			f.mu.Lock()
			binary.BigEndian.PutUint64(b, uint64(f.sent))
			f.sent++
			sender, target := f.sender, f.target
			f.mu.Unlock()
			_, _ = sender.WriteToUDPAddrPort(b, target) // what could not be sent is lost
		}
		time.Sleep(time.Until(next))
	}
}

func (f *flow) receive(ctx context.Context) {
	b, oob := make([]byte, 1<<16), make([]byte, 128)
	for {
		f.mu.Lock()
		sink := f.sink
		f.mu.Unlock()
		n, m, _, _, err := sink.ReadMsgUDPAddrPort(b, oob)
		switch {
		case err == nil && n >= 8:
			f.note(int(binary.BigEndian.Uint64(b)), overflow(oob[:m]))
		case err != nil && ctx.Err() != nil:
			return
		}
	}
}

func (f *flow) note(number int, late uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.arrived) <= number {
		f.arrived = append(f.arrived, false)
	}
	f.arrived[number] = true
	f.late = max(f.late, late)
}

// overflow returns how many packets the socket has thrown away (SO_RXQ_OVFL).
func overflow(oob []byte) uint32 {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_RXQ_OVFL && len(m.Data) >= 4 {
			return binary.NativeEndian.Uint32(m.Data)
		}
	}
	return 0
}

// now returns the number of the next packet.
func (f *flow) now() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// recent counts the packets of the last n that arrived, not counting those that may
// still be on their way.
func (f *flow) recent(n int) (arrived, sent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to := f.sent - margin
	for i := max(to-n, 0); i < to; i++ {
		sent++
		if i < len(f.arrived) && f.arrived[i] {
			arrived++
		}
	}
	return arrived, sent
}

// lost returns, of the packets with numbers from first on, up to but without last, how
// many did not arrive, and the longest row of them.
func (f *flow) lost(first, last int) (lost, row int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	current := 0
	for i := first; i < last; i++ {
		if i < len(f.arrived) && f.arrived[i] {
			current = 0
			continue
		}
		lost++
		current++
		row = max(row, current)
	}
	return lost, row
}

func (f *flow) stop() {
	f.stopped()
	f.close()
	f.running.Wait()
}

// flows are all that flow at a time.
type flows []*flow

// until waits until ok is true of what arrived of each flow's last packets, for so
// long; it returns the flows of which it never was.
func (l flows) until(packets int, patience time.Duration, ok func(arrived, sent int) bool) flows {
	deadline := time.Now().Add(patience)
	for {
		rest := slices.DeleteFunc(slices.Clone(l), func(f *flow) bool {
			arrived, sent := f.recent(packets)
			return sent == packets && ok(arrived, sent)
		})
		if len(rest) == 0 || time.Now().After(deadline) {
			return rest
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func whole(arrived, sent int) bool { return arrived == sent }

// marks returns the number of each flow's next packet.
func (l flows) marks() []int {
	var m []int
	for _, f := range l {
		m = append(m, f.now())
	}
	return m
}

func (l flows) stop() {
	for _, f := range l {
		f.stop()
	}
}

// loss is what became of one flow while something was changed.
type loss struct {
	Flow string
	Size int  // of a packet
	Lost int  // packets
	Row  int  // the longest row of lost packets
	Dead bool // nothing arrived any more at the end
}

func (l loss) String() string {
	s := fmt.Sprintf("%s: %d lost, %d in a row", l.Flow, l.Lost, l.Row)
	if l.Dead {
		s += ", dead at the end"
	}
	return s
}

// during does something while packets flow, waits until they flow again or seem never
// to, and returns what was lost.
func (l flows) during(t *testing.T, do func()) []loss {
	t.Helper()
	p := l[0].pace
	if broken := l.until(p.window, 10*p.silent, whole); len(broken) > 0 {
		t.Fatalf("%s doesn't flow before anything is changed", broken[0].name)
	}
	first := l.marks()
	do()
	l.pass(l.marks(), p.window+margin)
	l.until(p.window, p.silent, whole)
	last := l.marks()
	l.pass(last, margin)
	var losses []loss
	for i, f := range l {
		if f.late > 0 {
			t.Errorf("%s: the test itself was too slow for %d packets", f.name, f.late)
		}
		arrived, _ := f.recent(p.window)
		lost, row := f.lost(first[i], last[i])
		losses = append(losses, loss{Flow: f.name, Size: f.size, Lost: lost, Row: row, Dead: arrived == 0})
	}
	return losses
}

// pass waits until each flow has sent some packets since the marks.
func (l flows) pass(marks []int, packets int) {
	for i, f := range l {
		for f.now() < marks[i]+packets {
			time.Sleep(f.pace.every)
		}
	}
}
