package kernel

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestPeers finds the other end of a veth wherever it is, and whatever was listed.
func TestPeers(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"}, model.Netns{Name: "green"}, model.Netns{Name: "red"})
	hidden := s.opts.Root + ".hidden"
	s.bindNetns(hidden)
	veth := func(name, netns, peer, peerNetns string) model.Object {
		return model.Link{
			Netns: netns, Name: name, Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: peerNetns, Name: peer}),
		}
	}
	s.create(veth("near1", "", "near2", ""), veth("toblue", "", "eth0", "blue"), veth("x", "blue", "x", "green"), veth("same1", "red", "same2", "red"))
	// Both ends have the same index, in namespaces that differ.
	s.lines("link add index 100 name tored type veth peer name twin")
	s.ip("link", "set", "twin", "netns", s.opts.NetnsDir+"/red", "index", "100")
	s.lines("link add tohidden type veth peer name lost")
	s.ip("link", "set", "lost", "netns", hidden)
	if out := s.run("red", "ip", "link", "show", "twin"); !strings.HasPrefix(out, "100:") {
		t.Fatalf("the ends have different indexes: %s", out)
	}

	want := map[string]string{
		"near1": "near2", "near2": "near1", "toblue": "blue/eth0", "blue/eth0": "toblue", "blue/x": "green/x", "green/x": "blue/x",
		"red/same1": "red/same2", "red/same2": "red/same1", "tored": "red/twin", "red/twin": "tored", "tohidden": "?/?",
	}
	for _, listed := range [][]string{{"", "blue", "green", "red"}, {"green", "blue"}, {""}, {"red"}, {"blue"}} {
		got := map[string]string{}
		links, err := s.open(s.opts).Links(t.Context(), listed...) // a door that knows nothing yet
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if p, ok := l.Peer.Get(); ok {
				got[model.EndRef{Netns: l.Netns, Name: l.Name}.String()] = p.String()
			}
		}
		some := map[string]string{}
		for end, peer := range want {
			ns, _, inside := strings.Cut(end, "/")
			if slices.Contains(listed, ns) || !inside && slices.Contains(listed, "") {
				some[end] = peer
			}
		}
		if d := cmp.Diff(some, got); d != "" {
			t.Errorf("listing %q (-want +got):\n%s", listed, d)
		}
	}
}

// TestLowerLinks tells what links stand on that go with it, wherever that is. They cannot be made
// again by who knows no more, and one that is there is never taken for a new one.
func TestLowerLinks(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"}, model.Netns{Name: "green"}, model.Link{Name: "br0", Type: some(model.TypeBridge)})
	s.lines(`link add mv0 link br0 type macvlan
link add mv1 link mv0 type macvtap
link add mv2 link br0 type macvlan
link add mv3 link br0 type macvlan
link add alone type bridge`)
	s.ip("link", "set", "mv2", "netns", s.opts.NetnsDir+"/blue")
	s.run("blue", "ip", "link", "add", "mv4", "link", "mv2", "type", "macvlan")
	s.ip("link", "set", "mv3", "netns", s.opts.NetnsDir+"/green")

	links, err := s.open(s.opts).Links(t.Context(), "", "blue", "green")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range links {
		if low, ok := l.Lower.Get(); ok {
			got[model.EndRef{Netns: l.Netns, Name: l.Name}.String()] = low.String()
		}
	}
	want := map[string]string{"mv0": "br0", "mv1": "br0", "blue/mv2": "br0", "blue/mv4": "br0", "green/mv3": "br0"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what links stand on (-want +got):\n%s", d)
	}

	above := model.Link{Name: "mv0", Type: some("macvlan"), Lower: some(model.EndRef{Name: "br0"})}
	if err := s.do(model.OpCreate, nil, above); !errors.Is(err, unix.EEXIST) {
		t.Errorf("making one that is there: %v", err)
	}
	s.ip("link", "delete", "br0")
	if left, _ := s.try("", "ip", "-br", "link"); strings.Contains(left, "mv") {
		t.Errorf("what stood on the bridge is there without it:\n%s", left)
	}
	s.create(model.Link{Name: "br0", Type: some(model.TypeBridge)})
	if err := s.do(model.OpCreate, nil, above); err == nil || !strings.Contains(err.Error(), "only who made it") {
		t.Errorf("making one of somebody else's: %v", err)
	}
}

// The root namespace is called "", also where somebody gave it a name.
func TestPeersOfNamedRoot(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"}, model.Netns{Name: "green"})
	s.create(model.Link{Netns: "blue", Name: "a", Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: "green", Name: "a"})})
	root := s.path("another-name")
	s.run("", "touch", root)
	s.run("", "mount", "--bind", s.opts.Root, root)
	s.create(model.Link{Name: "v", Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: "blue", Name: "eth0"})})
	got := s.mustGet(model.LinkKey("blue", "eth0")).(model.Link)
	if got.Peer != some(model.EndRef{Name: "v"}) {
		t.Errorf("the peer is %s, want v", got.Peer.Value())
	}
}

// A bridge keeps the MTU that it was given, whatever its ports have; 1500 is what it
// would have anyway.
func TestBridgeKeepsMTU(t *testing.T) {
	for _, mtu := range []uint32{1400, 1500} {
		s := newSim(t)
		br := with(bridgeSamples()[0].object.(model.Link), func(l *model.Link) { l.MTU = some(mtu) })
		s.create(br)
		s.lines("link add p0 type veth peer name p1\nlink set p0 mtu 1300 master br0\nlink set p1 mtu 1300 master br0")
		s.has("with smaller ports", br, s.mustGet(br.Key()))
		s.lines("link delete p0")
		s.has("without ports", br, s.mustGet(br.Key()))
	}
}

// A link is born with its MAC, so that udev's MACAddressPolicy leaves it alone
// (addr_assign_type 3, NET_ADDR_SET).
func TestMACIsSet(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands)
	s.create(bridgeSamples()[0].object, vxlanSamples()[0].object)
	for name, want := range map[string]string{"br0": "3", "vx4": "3"} {
		// /sys shows the devices of the namespace that it was mounted in.
		got := s.run("", "unshare", "--mount", "sh", "-c", "mount -t sysfs none /sys && cat /sys/class/net/"+name+"/addr_assign_type")
		if strings.TrimSpace(got) != want {
			t.Errorf("%s has the addr_assign_type %s, want %s", name, got, want)
		}
	}
}

// Each end of a veth is made with the one queue that it works with.
func TestVethQueues(t *testing.T) {
	s := newSim(t)
	s.create(model.Netns{Name: "blue"}, model.Link{Name: "veth0", Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: "blue", Name: "eth0"})})
	for _, out := range []string{s.ip("-d", "link", "show", "veth0"), s.run("blue", "ip", "-d", "link", "show", "eth0")} {
		if !strings.Contains(out, "numtxqueues 1 numrxqueues 1 ") {
			t.Errorf("an end has other queues:\n%s", out)
		}
	}
}
