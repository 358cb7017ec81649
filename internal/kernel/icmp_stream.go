package kernel

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Series is the echo requests that went to one address, one after the other.
type Series struct {
	Dst      netip.Addr
	Sent     []time.Time
	Answered []bool // of each request
}

// Stream sends echo requests from inside a namespace to each of the addresses, one every
// so often, until ctx is done, and then waits for the answers that are under way, as long
// as grace. It needs CAP_NET_RAW. An error says also that this process was too slow to
// take the answers: what came of the requests is not known then.
func (h *Host) Stream(ctx context.Context, netns string, dsts []netip.Addr, every, grace time.Duration) ([]Series, error) {
	out := make([]Series, len(dsts))
	var streams []*stream
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		s := &stream{prober: newProber(family, 0), every: every, index: map[netip.Addr]*Series{}}
		for i, d := range dsts {
			if familyOf(d) == family {
				out[i].Dst = d
				s.series = append(s.series, &out[i])
				s.index[d] = &out[i]
			}
		}
		if len(s.series) > 0 {
			streams = append(streams, s)
		}
	}
	errs := make([]error, len(streams))
	var wg sync.WaitGroup
	for i, s := range streams {
		if err := h.In(netns, func() error { return s.dial(netns) }); err != nil {
			return nil, err
		}
		defer unix.Close(s.fd)
		wg.Go(func() { errs[i] = s.run(ctx, grace) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("probe from %s: %w", netns, err)
		}
	}
	return out, nil
}

// stream is the requests of one family. Those to one address are numbered by their
// sequence number, modulo 2^16: an answer is to the last request of its number.
type stream struct {
	*prober
	every  time.Duration
	series []*Series
	index  map[netip.Addr]*Series
	lost   uint32 // answers that the kernel could not give us
}

// run sends and receives, the requests to the addresses evenly spread over the interval.
func (s *stream) run(ctx context.Context, grace time.Duration) error {
	if err := s.onlyAnswers(); err != nil {
		return err
	}
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	s.ident = binary.BigEndian.Uint16(b[:])
	step := s.every / time.Duration(len(s.series))
	next := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		s.request(s.series[i%len(s.series)])
		next = next.Add(step)
		for wait := time.Until(next); ctx.Err() == nil && wait > 0; wait = time.Until(next) {
			s.wait(unix.POLLIN, min(wait, 50*time.Millisecond)-time.Millisecond)
			s.collect()
		}
		s.collect()
	}
	for deadline := time.Now().Add(grace); time.Now().Before(deadline) && !s.settled(); s.collect() {
		s.wait(unix.POLLIN, min(time.Until(deadline), 20*time.Millisecond))
	}
	if s.lost > 0 {
		return fmt.Errorf("%d answers came too fast to be counted; give a longer interval", s.lost)
	}
	return nil
}

// onlyAnswers spares us all other messages: each raw socket gets every one of its
// namespace, requests too (ICMP_FILTER, raw(7); ICMP6_FILTER, RFC 3542, 3.2).
func (s *stream) onlyAnswers() error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1); err != nil {
		return err
	}
	if s.family == unix.AF_INET {
		const icmpFilter = 1 // ICMP_FILTER (linux/icmp.h): bits that are set are kept away
		return unix.SetsockoptInt(s.fd, unix.SOL_RAW, icmpFilter, ^(1 << icmp4EchoReply))
	}
	f := unix.ICMPv6Filter{}
	for i := range f.Data {
		f.Data[i] = ^uint32(0)
	}
	f.Data[icmp6EchoReply>>5] &^= 1 << (icmp6EchoReply & 31)
	return unix.SetsockoptICMPv6Filter(s.fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
}

// request sends one; what the kernel refuses is a request without an answer.
func (s *stream) request(to *Series) {
	message := echoRequest(s.family, s.ident, uint16(len(to.Sent)), 0)
	to.Sent, to.Answered = append(to.Sent, time.Now()), append(to.Answered, false)
	_ = unix.Sendto(s.fd, message, 0, sockaddr(to.Dst))
}

// collect notes the answers that have come.
func (s *stream) collect() {
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, from, err := unix.Recvmsg(s.fd, s.buf, oob, unix.MSG_DONTWAIT)
		if err != nil {
			return // nothing more
		}
		s.countLost(oob[:oobn])
		e, ok := parseEcho(s.family, s.buf[:n], addrOf(from))
		if !ok || e.err != nil || e.ident != s.ident {
			continue
		}
		if to := s.index[e.dst]; to != nil {
			if i := numbered(len(to.Sent), e.seq); i >= 0 {
				to.Answered[i] = true
			}
		}
	}
}

// countLost reads how many messages the socket had no room for (SO_RXQ_OVFL, socket(7)).
func (s *stream) countLost(oob []byte) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_RXQ_OVFL && len(m.Data) >= 4 {
			s.lost = native.Uint32(m.Data)
		}
	}
}

// numbered returns which of n requests was the last with a sequence number; -1: none.
func numbered(n int, seq uint16) int {
	i := (n-1)&^0xffff | int(seq)
	if i >= n {
		i -= 1 << 16
	}
	return i
}

// settled says whether the last request to each address was answered: then no answer is
// under way.
func (s *stream) settled() bool {
	for _, x := range s.series {
		if n := len(x.Answered); n > 0 && !x.Answered[n-1] {
			return false
		}
	}
	return true
}
