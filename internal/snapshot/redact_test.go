package snapshot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

var identity = model.Identity{Topology: "classic-office", Node: "vmhost"}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func mac(s string) model.MAC {
	m, _ := model.ParseMAC(s)
	return m
}

// sample is a snapshot with something of everything, with some names and numbers by
// chance.
func sample(r *rand.Rand) *Snapshot {
	pick := func(l ...string) string { return l[r.IntN(len(l))] }
	subnet := fmt.Sprintf("%s.%d", pick("10.1", "172.20", "192.168", "203.0", "172.245"), r.IntN(256))
	under, br, ns := pick("enp3s0", "eth0", "bond0.100"), pick("br245", "office"), pick("ns245", "web-frontend")
	prefix := netip.MustParsePrefix(subnet + ".1/24")
	v6 := netip.MustParsePrefix("fd42:11:22:33::1/64")
	peer := addr(subnet + ".77")
	return &Snapshot{
		FormatVersion: FormatVersion, Kind: Kind, Tool: "1.0", Hostname: "vmhost.example.org", Topology: identity.Topology, Node: identity.Node,
		Netns:  []model.Netns{{Name: ns, Alias: model.Some(identity.Alias())}, {Name: "customer-x", Alias: model.Some("billing department")}},
		Inside: []string{"", ns, "customer-x"},
		Links: []model.Link{
			{Name: "lo", Type: model.Some(""), Alias: model.Some("")},
			{Name: under, Type: model.Some(""), MAC: model.Some(mac("52:54:00:aa:bb:cc")), Alias: model.Some("rack 7, port 3"), Master: model.Some("")},
			{Name: br, Type: model.Some(model.TypeBridge), MAC: model.Some(mac("02:11:22:33:44:55")), Group: model.Some(model.MarkGroup), Alias: model.Some(identity.Alias())},
			{Name: "vxlan1", Type: model.Some(model.TypeVXLAN), Alias: model.Some(identity.Alias()), VXLAN: model.VXLAN{Local: model.Some(prefix.Addr()), Dev: model.Some(under)}},
			{Name: "veth-" + ns[:4], Type: model.Some(model.TypeVeth), Master: model.Some(br), Peer: model.Some(model.EndRef{Netns: ns, Name: "inner0"})},
			{Name: "inner0", Netns: ns, Type: model.Some(model.TypeVeth), Peer: model.Some(model.EndRef{Name: "veth-" + ns[:4]})},
			{Name: "stray", Type: model.Some(model.TypeVeth), Peer: model.Some(model.EndRef{Netns: "?", Name: "far-end"})},
		},
		Addresses: []model.Address{
			{Link: "lo", Prefix: netip.MustParsePrefix("127.0.0.1/8")}, {Link: under, Prefix: prefix}, {Link: br, Prefix: v6, Protocol: model.Some(model.MarkProtocol)},
			{Link: under, Prefix: netip.MustParsePrefix("fe80::5054:ff:feaa:bbcc/64")}, {Netns: ns, Link: "inner0", Prefix: netip.MustParsePrefix("172.16.9.2/28")},
			{Link: "vxlan1", Prefix: netip.MustParsePrefix("172.16.9.0/32")},
		},
		Routes: []model.Route{
			{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: model.Some(addr(subnet + ".254")), Dev: model.Some(under), Table: 254},
			{Dst: prefix.Masked(), Dev: model.Some(under), Src: model.Some(prefix.Addr()), Table: 254, Protocol: model.Some[uint8](2)},
			{Dst: netip.MustParsePrefix("172.17.0.0/16"), NextHops: model.Some("nexthop via " + subnet + ".9 dev " + under + " weight 1"), Table: 254},
			{Dst: v6.Masked(), Via: model.Some(addr("2001:db8:5::9")), Dev: model.Some(br), Table: 254, Protocol: model.Some(model.MarkProtocol)},
		},
		Neighbours: []model.Neighbour{{Link: "vxlan1", IP: peer, MAC: model.Some(mac("62:e3:0c:90:ef:da")), Protocol: model.Some(model.MarkProtocol)}},
		FDB:        []model.FDBEntry{{Link: "vxlan1", MAC: mac("62:e3:0c:90:ef:da"), Dst: model.Some(peer)}, {Link: "vxlan1", Dst: model.Some(peer)}},
		Saved:      []model.Sysctl{{Netns: ns, Name: "net.ipv4.conf.inner0.rp_filter", Value: model.Some("2"), Saved: model.Some("0")}},
		Sysctls:    []Sysctls{{"", map[string]string{"net.ipv4.ip_forward": "1", model.DeviceSysctl(6, under, "accept_ra"): "1"}}, {ns, map[string]string{"net.core.default_qdisc": "fq_codel", "net.netfilter.nf_log.2": "customer-x"}}},
		Management: model.Management{
			Ways: []model.Way{{
				For: "the SSH connection from 198.51.100.7", To: addr("198.51.100.7"), Local: prefix.Addr(),
				Path: model.Path{Type: "unicast", Dst: netip.MustParsePrefix("0.0.0.0/0"), Hops: []model.Hop{{Dev: under, Via: addr(subnet + ".254")}}},
			}},
			Lower: map[string]string{"vxlan1": under}, AcceptRA: map[string]string{under: "1"},
		},
	}
}

// words are what a text has that could be a name or an address.
var words = regexp.MustCompile(`[-_./:A-Za-z0-9]+`)

func text(t *testing.T, s *Snapshot) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// No name, address or MAC is left, and what had to do with each other still has.
func TestRedact(t *testing.T) {
	for seed := range uint64(300) {
		s := sample(rand.New(rand.NewPCG(seed, 1)))
		out, err := s.Redact(fmt.Append(nil, seed))
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(strings.NewReader(text(t, out)))
		if err != nil {
			t.Fatal(err)
		}
		nothingLeft(t, s, text(t, back))
		sameStructure(t, s, back)
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text(t, back))
		}
	}
}

// nothingLeft looks for what the original has, in the text of another one.
func nothingLeft(t *testing.T, s *Snapshot, text string) {
	t.Helper()
	there := map[string]bool{}
	for _, w := range words.FindAllString(text, -1) {
		for _, part := range append(strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune("./:", r) }), strings.Split(w, "/")...) {
			there[part] = true
		}
		there[w] = true
	}
	r := newRedaction([]byte("x"))
	r.findNames(s)
	for name := range r.names {
		if there[name] {
			t.Errorf("the name %s is left", name)
		}
	}
	for a := range addressesOf(s) {
		if there[a.String()] && r.addr(a) != a {
			t.Errorf("the address %s is left", a)
		}
	}
	for _, l := range s.Links {
		if m := l.MAC.Value(); !m.IsZero() && there[m.String()] {
			t.Errorf("the MAC %s is left", m)
		}
	}
	for _, x := range []string{"billing", "rack", "example", "198.51.100.7", "62:e3:0c", "feaa:bbcc", "customer"} {
		if strings.Contains(text, x) {
			t.Errorf("%q is left", x)
		}
	}
}

// sameStructure compares what objects there are, whose they are, what they stand on and
// which addresses are in which subnets.
func sameStructure(t *testing.T, s, out *Snapshot) {
	t.Helper()
	if d := cmp.Diff(shape(t, s, identity), shape(t, out, out.Identity())); d != "" {
		t.Errorf("(-original +redacted)\n%s", d)
	}
	in, now := prefixes(s), prefixes(out)
	for i := range in {
		for j := range in {
			if a, b := in[i].Overlaps(in[j]), now[i].Overlaps(now[j]); a != b {
				t.Errorf("%s and %s overlap: %v; %s and %s: %v", in[i], in[j], a, now[i], now[j], b)
			}
			if a, b := in[i].Addr() == in[j].Addr(), now[i].Addr() == now[j].Addr(); a != b {
				t.Errorf("%s and %s are one address: %v; %s and %s: %v", in[i], in[j], a, now[i], now[j], b)
			}
		}
	}
}

// prefixes returns those of a snapshot in order of appearance.
func prefixes(s *Snapshot) []netip.Prefix {
	var l []netip.Prefix
	for _, a := range s.Addresses {
		l = append(l, a.Prefix)
	}
	for _, r := range s.Routes {
		l = append(l, r.Dst)
		if via := r.Via.Value(); via.IsValid() {
			l = append(l, netip.PrefixFrom(via, via.BitLen()))
		}
	}
	for _, n := range s.Neighbours {
		l = append(l, netip.PrefixFrom(n.IP, n.IP.BitLen()))
	}
	return l
}

// shape is what a host is without names: how many objects of each kind and owner need how
// many that are there.
func shape(t *testing.T, s *Snapshot, id model.Identity) []string {
	t.Helper()
	state, err := observe.State(t.Context(), s.Host(id), observe.Scope{Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	var l []string
	for e := range state.All() {
		there := 0
		for _, n := range e.Object.Needs() {
			if _, ok := state.Get(n.Key); ok {
				there++
			}
		}
		var attrs []string
		for _, a := range e.Object.Attrs() {
			attrs = append(attrs, a.Name)
		}
		l = append(l, fmt.Sprint(e.Object.Key().Kind, " ", e.Owner, " needs ", there, " ", attrs))
	}
	slices.Sort(l)
	return l
}

// Who knows the seed gets the same, and nobody else does.
func TestRedactIsDeterministic(t *testing.T) {
	s := sample(rand.New(rand.NewPCG(1, 1)))
	one, _ := s.Redact([]byte("a"))
	same, _ := s.Redact([]byte("a"))
	other, _ := s.Redact([]byte("b"))
	if d := cmp.Diff(text(t, one), text(t, same)); d != "" {
		t.Error(d)
	}
	if text(t, one) == text(t, other) {
		t.Error("the seed makes no difference")
	}
}

// Where all of a private network is in use, none of it is left either.
func TestRedactFullNetwork(t *testing.T) {
	s := sample(rand.New(rand.NewPCG(1, 1)))
	for i := range 256 {
		s.Addresses = append(s.Addresses, model.Address{Link: "stray", Prefix: netip.MustParsePrefix(fmt.Sprintf("192.168.%d.1/24", i))})
	}
	out, err := s.Redact([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, s, text(t, out))
	sameStructure(t, s, out)
}
