package kernel

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestRefused makes what cannot be made, of every kind: the error names the object and
// the reason, and nothing is left behind, neither in the kernel nor in the memory.
func TestRefused(t *testing.T) {
	noMaster := func(o model.Object) model.Object {
		return with(o.(model.Link), func(l *model.Link) { l.Master = some("nothing") })
	}
	noDevice := with(vxlanSamples()[0].object.(model.Link), func(l *model.Link) { l.VXLAN.Dev = some("nothing") })
	noPlace := with(vethSamples()[0].object.(model.Link), func(l *model.Link) { l.Master = some("") })
	tests := []struct {
		name     string
		linkType string
		commands string
		object   model.Object
		errno    syscall.Errno
		words    []string // of the error
	}{
		{name: "netns in another folder", object: model.Netns{Name: "../where"}, words: []string{`"../where" cannot be the name of a file`}},
		{name: "netns without a name", object: model.Netns{}, words: []string{"cannot be the name of a file"}},
		{name: "link in a netns in another folder", object: model.Link{Netns: "../where", Name: "br0", Type: some(model.TypeBridge)}, words: []string{`"../where" cannot`}},
		{name: "sysctl in another folder", object: model.Sysctl{Name: "net.//.//.kernel.hostname", Value: some("x")}, words: []string{"is no sysctl of a network namespace"}},
		{name: "netns with an alias that is too long", object: model.Netns{Name: "blue", Alias: some(strings.Repeat("x", 256))}, errno: unix.ERANGE,
			words: []string{"create netns blue: "}},
		{name: "bridge in a bridge that is not there", object: noMaster(bridgeSamples()[0].object), errno: unix.ENODEV,
			words: []string{"find link nothing: no such device"}},
		{name: "bridge in a bridge", commands: "link add br1 type bridge", errno: unix.ELOOP,
			object: with(bridgeSamples()[0].object.(model.Link), func(l *model.Link) { l.Master = some("br1") }),
			words:  []string{"create link br0: ", "the kernel says: Can not enslave a bridge to a bridge"}},
		{name: "bridge with a multicast MAC", errno: unix.EADDRNOTAVAIL,
			object: with(bridgeSamples()[0].object.(model.Link), func(l *model.Link) { l.MAC = some(mac("03:00:00:00:00:01")) })},
		{name: "vxlan on a device that is not there", object: noDevice, errno: unix.ENODEV, words: []string{"find link nothing: no such device"}},
		{name: "vxlan with a name that is taken", commands: "link add vx4 type bridge\n" + underlayCommands, object: vxlanSamples()[0].object,
			errno: unix.EEXIST, words: []string{"a device of the name appeared meanwhile"}},
		{name: "vxlan with a VNI that is taken", commands: vxlanCommands, errno: unix.EEXIST,
			object: with(vxlanSamples()[0].object.(model.Link), func(l *model.Link) { l.VXLAN.VNI = some[uint32](7) }),
			words:  []string{"A VXLAN device with the specified VNI already exists; VNI 7 on port 8472 is taken"}},
		{name: "vxlan with an MTU beyond all", commands: underlayCommands, errno: unix.EINVAL,
			object: with(vxlanSamples()[0].object.(model.Link), func(l *model.Link) { l.MTU = some[uint32](70000) })},
		{name: "veth into a namespace that is not there", object: noPlace, errno: unix.ENOENT, words: []string{"create link veth1: open netns blue: "}},
		{name: "veth's second end without the first", object: vethSamples()[1].object, errno: unix.ENOENT},
		{name: "link of an unknown type", object: model.Link{Name: "x0", Type: some("nonesuch")}, errno: unix.EOPNOTSUPP,
			words: []string{"the kernel says: Unknown device type; this kernel has no nonesuch module"}},
		{name: "ipip in a bridge", linkType: model.TypeIPIP, commands: underlayCommands, object: noMaster(ipipSamples()[0].object), errno: unix.ENODEV},
		{name: "ipip with ends that are taken", linkType: model.TypeIPIP, errno: unix.EEXIST,
			commands: underlayCommands + "link add other type ipip local 192.0.2.1 remote any dev u0", object: ipipSamples()[0].object,
			words: []string{"the pair of tunnel ends, is taken"}},
		{name: "address on no link", object: model.Address{Link: "nothing", Prefix: prefix("10.0.0.1/8")}, errno: unix.ENODEV,
			words: []string{"find link nothing: no such device"}},
		{name: "address of a group", commands: underlayCommands, object: model.Address{Link: "u0", Prefix: prefix("ff02::7/128")}, errno: unix.EADDRNOTAVAIL},
		{name: "route on no link", object: plainRoute("10.0.0.0/8"), errno: unix.ENODEV, words: []string{"find link u0: no such device"}},
		{name: "route on a link that is down", commands: "link add u0 type bridge", object: plainRoute("10.0.0.0/8"), errno: unix.ENETDOWN,
			words: []string{"create route 10.0.0.0/8: network is down (the kernel says: Device for nexthop is not up; u0 is down)"}},
		{name: "route by a gateway that is nowhere", commands: underlayCommands, object: viaRoute("10.0.0.0/8", "203.0.113.1"), errno: unix.ENETUNREACH,
			words: []string{"Nexthop has invalid gateway", "the gateway 203.0.113.1 is not on a link of the host"}},
		{name: "route with a source that is not ours", commands: underlayCommands, errno: unix.EINVAL, words: []string{"Invalid prefsrc address"},
			object: routed(plainRoute("10.0.0.0/8"), func(r *model.Route) { r.Src = someAddr("203.0.113.1") })},
		{name: "IPv6 route by a gateway that is nowhere", commands: underlayCommands, object: viaRoute("fd00::/8", "2001:db8:f::1"), errno: unix.EHOSTUNREACH},
		{name: "route of an unknown type", object: model.Route{Dst: prefix("10.0.0.0/8"), Type: some("nonesuch")}, words: []string{`"nonesuch" is no type of route`}},
		{name: "neighbour on no link", object: model.Neighbour{Link: "nothing", IP: addr("10.0.0.1")}, errno: unix.ENODEV},
		{name: "neighbour without a MAC", commands: underlayCommands, object: model.Neighbour{Link: "u0", IP: addr("10.0.0.1"), State: some[uint16](0x80)}, errno: unix.EINVAL},
		{name: "FDB entry of the other family", commands: vxlanCommands, errno: unix.EAFNOSUPPORT,
			object: model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:00:01"), Dst: someAddr("2001:db8::7")}},
		{name: "FDB entry on no link", object: model.FDBEntry{Link: "nothing", MAC: mac("02:00:00:00:00:01"), Dst: someAddr("10.0.0.1")}, errno: unix.ENODEV},
		{name: "sysctl that is none", object: model.Sysctl{Name: "net.ipv4.nonesuch", Value: some("1")}, errno: unix.ENOENT},
		{name: "sysctl with a wrong value", object: model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("perhaps")}, errno: unix.EINVAL},
		{name: "sysctl in no namespace", object: model.Sysctl{Netns: "nowhere", Name: "net.ipv4.ip_forward", Value: some("1")}, errno: unix.ENOENT},
	}
	seen := map[model.Kind]bool{}
	for _, tc := range tests {
		seen[tc.object.Key().Kind] = true
		t.Run(tc.name, func(t *testing.T) {
			s := newSim(t)
			if tc.linkType != "" {
				s.needType(tc.linkType)
			}
			s.lines(tc.commands)
			before := s.snapshot()
			err := s.do(model.OpCreate, nil, tc.object)
			s.opErrorOf(err)
			if tc.errno != 0 && !errors.Is(err, tc.errno) {
				t.Errorf("got error %v, want %v", err, tc.errno)
			}
			for _, w := range tc.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error does not say %q:\n%v", w, err)
				}
			}
			s.unchanged("a create that failed", before)
			if left, _ := filepath.Glob(s.opts.NetnsDir + "/*"); len(left) > 0 { // the pattern is sound
				t.Errorf("a create that failed left %v behind", left)
			}
			if _, err := os.Stat(s.memoryFile()); err == nil {
				t.Error("a create that failed left the memory behind")
			}
		})
	}
	for _, k := range model.Kinds() {
		if !seen[k] {
			t.Errorf("kind %s is never refused", k)
		}
	}
}

// What a live device cannot change, the kernel says; so does the tool where the kernel
// would say yes and do nothing.
func TestRefusedUpdate(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands)
	vx := vxlanSamples()[0].object.(model.Link)
	s.create(vx)
	for name, tc := range map[string]struct {
		change func(*model.Link)
		words  string
	}{
		"vni":     {func(l *model.Link) { l.VXLAN.VNI = some[uint32](1) }, "Cannot change VNI; the kernel cannot change this on a live device"},
		"port":    {func(l *model.Link) { l.VXLAN.Port = some[uint16](1) }, "Cannot change"},
		"udpcsum": {func(l *model.Link) { l.VXLAN.UDPCsum = some(false) }, "flag"},
		"no dev":  {func(l *model.Link) { l.VXLAN.Dev = some("") }, "keeps its underlay device u0"},
	} {
		was := s.mustGet(vx.Key()).(model.Link)
		err := s.do(model.OpUpdate, was, with(was, tc.change))
		s.opErrorOf(err)
		if !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), tc.words) {
			t.Errorf("%s: got error %v, want one with %q", name, err, tc.words)
		}
		if got := s.mustGet(vx.Key()); told(got) != told(was) {
			t.Errorf("%s: got %s, want %s", name, told(got), told(was))
		}
	}
}

// What is gone meanwhile is not made by changing it.
func TestUpdateOfNothing(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	route4, route6 := plainRoute("172.246.0.0/24"), plainRoute("fd42:0:0:2::/64")
	link := model.Link{Name: "br9", Type: some(model.TypeBridge), MTU: some[uint32](1400)}
	before := s.snapshot()
	for _, tc := range []struct {
		was, is model.Object
		errno   syscall.Errno
	}{
		{route4, routed(route4, func(r *model.Route) { r.Dev = some("u1") }), unix.ENOENT},
		{route6, routed(route6, func(r *model.Route) { r.Dev = some("u1") }), unix.ENOENT},
		{link, with(link, func(l *model.Link) { l.MTU = some[uint32](1300) }), unix.ENODEV},
		{model.Netns{Name: "blue"}, model.Netns{Name: "blue", LoUp: some(true)}, unix.ENOENT},
	} {
		err := s.do(model.OpUpdate, tc.was, tc.is)
		if s.opErrorOf(err); !errors.Is(err, tc.errno) {
			t.Errorf("%s: got error %v, want %v", tc.was.Key(), err, tc.errno)
		}
	}
	s.unchanged("changing what is not there", before)
}

// A step that fails ends the run; so does the end of the context.
func TestDoEnds(t *testing.T) {
	s := newSim(t)
	br := model.Link{Name: "br0", Type: some(model.TypeBridge)}
	bad := model.Link{Name: "x0", Type: some("nonesuch")}
	ctx, cancel := context.WithCancel(t.Context())
	o := s.opts
	var traced []string
	o.Trace = func(step model.Step, err error) { traced = append(traced, step.Key().String()) }
	h := s.open(o)
	errs := h.Do(ctx, []model.Step{{Op: model.OpCreate, After: br}, {Op: model.OpCreate, After: bad}, {Op: model.OpDelete, Before: br}})
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], unix.EOPNOTSUPP) || !errors.Is(errs[2], ErrNotTried) {
		t.Errorf("got errors %v", errs)
	}
	if got := strings.Join(traced, ", "); got != "link br0, link x0" {
		t.Errorf("traced were %s", got)
	}
	cancel()
	errs = h.Do(ctx, []model.Step{{Op: model.OpDelete, Before: br}, {Op: model.OpDelete, Before: br}})
	if !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], ErrNotTried) {
		t.Errorf("with a context that ended: got errors %v", errs)
	}
	s.mustGet(br.Key())
}
