package snapshot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// redaction knows what stands for what.
type redaction struct {
	seed  []byte
	salt  byte // of addresses: another one where the last made one that was there
	wide  bool // keep less of what an address begins with
	names map[string]string
	taken map[string]bool // names that none may get
	addrs map[netip.Addr]netip.Addr
}

func newRedaction(seed []byte) *redaction {
	return &redaction{seed: seed, names: map[string]string{}, taken: map[string]bool{}, addrs: map[netip.Addr]netip.Addr{}}
}

// sum is a number that follows from the seed and a text, and tells nothing of either.
func (r *redaction) sum(text string) [sha256.Size]byte {
	h := hmac.New(sha256.New, r.seed)
	h.Write([]byte(text))
	return [sha256.Size]byte(h.Sum(nil))
}

// word makes a word of n letters, at most 32, of a text.
func (r *redaction) word(text string, n int) string {
	sum := r.sum(text)
	b := make([]byte, min(n, len(sum)))
	for i := range b {
		b[i] = 'a' + sum[i]%26
	}
	return string(b)
}

// kept says whether a name is the same on every host, or none at all.
func kept(name string) bool {
	return slices.Contains([]string{
		"", "?", "lo", "all", "default", "tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip6tnl0", "ip6gre0", "ip_vti0", "ip6_vti0",
	}, name)
}

// maxLinkName is how long a link's name may be (IFNAMSIZ-1, linux/if.h).
const maxLinkName = 15

// fresh returns a name about as long, which nothing has and had.
func (r *redaction) fresh(name string) string {
	n := min(max(len(name), 4), maxLinkName)
	for try := 0; ; try++ {
		w := r.word("name "+name+strconv.Itoa(try), n)
		if !r.taken[w] {
			r.taken[w] = true
			return w
		}
	}
}

func (r *redaction) name(s string) string {
	if to, ok := r.names[s]; ok {
		return to
	}
	return s
}

// mac returns a locally administered address of one host, or none for none; those of
// groups are the kernel's.
func (r *redaction) mac(m model.MAC) model.MAC {
	if m.IsZero() || m[0]&1 == 1 {
		return m
	}
	sum := r.sum("mac " + m.String())
	out := model.MAC(sum[:6])
	out[0] = out[0]&^3 | 2
	return out
}

// prefix redacts an address and keeps the length.
func (r *redaction) prefix(p netip.Prefix) netip.Prefix {
	if !p.IsValid() || p.Bits() == 0 {
		return p
	}
	return netip.PrefixFrom(r.addr(p.Addr()), p.Bits())
}

// addr redacts an address bit by bit: how far two addresses agree from the left, so far
// do what they become (as Crypto-PAn has it). What an address begins with, by which it is
// private, and the end by which people number hosts, stay. Those that mean the same
// everywhere do, too.
func (r *redaction) addr(a netip.Addr) netip.Addr {
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() {
		return a
	}
	if to, ok := r.addrs[a]; ok {
		return to
	}
	b := a.AsSlice()
	first, last := r.span(a)
	out := slices.Clone(b)
	for i := first; i < last; i++ {
		out[i/8] ^= r.flip(b, i, i == first) << (7 - i%8)
	}
	if a.Is6() && binary.BigEndian.Uint64(b[8:]) > 1<<16 { // it may be made of a MAC
		sum := r.sum("host " + string(b[8:]))
		copy(out[8:], sum[:8])
	}
	to, _ := netip.AddrFromSlice(out) // of the same length
	r.addrs[a] = to
	return to
}

// span returns the first bit of an address that is redacted, and the one after the last.
func (r *redaction) span(a netip.Addr) (first, last int) {
	switch {
	case a.Is6() && a.IsLinkLocalUnicast():
		return 64, 64
	case a.Is6():
		return 8, 64
	case r.wide:
		return 8, 24
	case netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16}), 12).Contains(a):
		return 12, 24
	case netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168}), 16).Contains(a), a.IsLinkLocalUnicast():
		return 16, 24
	}
	return 8, 24
}

// flip says whether the ith bit changes, which follows from those before it; the first
// always does, so that no address stays.
func (r *redaction) flip(b []byte, i int, first bool) byte {
	if first {
		return 1
	}
	before := slices.Clone(b[:i/8+1])
	before[i/8] &= ^byte(0) << (8 - i%8)
	sum := r.sum("bit " + string(r.salt) + strconv.Itoa(i) + string(before))
	return sum[0] & 1
}

// findAddresses redacts all addresses, and again with another salt as long as one becomes
// what another one was.
func (r *redaction) findAddresses(s *Snapshot) bool {
	all := addressesOf(s)
	for try := range 128 {
		r.salt, r.wide, r.addrs = byte(try), try >= 64, map[netip.Addr]netip.Addr{}
		clash := false
		for a := range all {
			if to := r.addr(a); to != a && all[to] {
				clash = true
				break
			}
		}
		if !clash {
			return true
		}
	}
	return false
}

// addressesOf returns all addresses of a snapshot.
func addressesOf(s *Snapshot) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, l := range s.Links {
		all[l.VXLAN.Local.Value()], all[l.IPIP.Local.Value()], all[l.IPIP.Remote.Value()] = true, true, true
	}
	for _, a := range s.Addresses {
		all[a.Prefix.Addr()] = true
	}
	for _, x := range s.Routes {
		all[x.Dst.Addr()], all[x.Via.Value()], all[x.Src.Value()] = true, true, true
	}
	for _, n := range s.Neighbours {
		all[n.IP] = true
	}
	for _, f := range s.FDB {
		all[f.Dst.Value()] = true
	}
	for _, w := range s.Management.Ways {
		all[w.To], all[w.Local] = true, true
		for _, h := range w.Hops {
			all[h.Via] = true
		}
	}
	delete(all, netip.Addr{})
	return all
}
