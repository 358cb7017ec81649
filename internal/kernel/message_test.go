package kernel

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// FuzzParse gives all readers of the kernel's messages anything: none panics, and all
// come to an end.
func FuzzParse(f *testing.F) {
	for _, m := range messages() {
		m.seal(1)
		f.Add([]byte(m), true)
	}
	names := map[uint32]string{1: "lo", 3: "vx0"}
	f.Fuzz(func(t *testing.T, b []byte, withProtocol bool) {
		total := 0
		for r := range replies(b) {
			total += unix.SizeofNlMsghdr + len(r.body)
			parseAll(r.body, names, withProtocol)
			_, _ = ackError(r), doneError(r)
			if again := slices.Collect(replies(appendReply(nil, r))); len(again) != 1 || !bytes.Equal(again[0].body, r.body) {
				t.Errorf("kept is %v of %v", again, r)
			}
		}
		if total > len(b) {
			t.Errorf("read %d bytes of %d", total, len(b))
		}
		parseAll(b, names, withProtocol)
		multipath(b, named(names))
	})
}

func named(names map[uint32]string) func(uint32) string {
	return func(index uint32) string { return names[index] }
}

func parseAll(b []byte, names map[uint32]string, withProtocol bool) {
	if l, ok := parseLink(b); ok {
		l.resolve([]*rawLink{&l})
		told(l.link)
	}
	if a, ok := parseAddress(b, named(names), withProtocol); ok {
		told(a)
	}
	if r, ok := parseRoute(b, named(names)); ok {
		told(r)
	}
	if n, ok := parseNeighbour(b); ok {
		told(n)
	}
	if x, ok := parseFDB(b, 3); ok {
		told(x)
	}
	parseMatch(b)
}

// FuzzAttributes writes attributes and reads them again.
func FuzzAttributes(f *testing.F) {
	f.Add(uint16(1), []byte("lo"), uint16(2), []byte{})
	f.Fuzz(func(t *testing.T, typ1 uint16, value1 []byte, typ2 uint16, value2 []byte) {
		const mask = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
		if len(value1) > 30000 || len(value2) > 30000 {
			return
		}
		m := message(nil).nest(typ1, func(m message) message { return m.attr(typ1, value1) }).attr(typ2, value2)
		var got []string
		for typ, v := range attributes(m) {
			got = append(got, fmt.Sprintf("%d %x", typ, v))
		}
		inner := message(nil).attr(typ1, value1)
		want := []string{fmt.Sprintf("%d %x", typ1&^mask, []byte(inner)), fmt.Sprintf("%d %x", typ2&^mask, value2)}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for range attributes(value1) { // anything at all comes to an end
			continue
		}
	})
}

// messages are some as the kernel writes them.
func messages() []message {
	link := newMessage(unix.RTM_NEWLINK, 0, ifinfo(3, unix.IFF_UP, 0)).str(unix.IFLA_IFNAME, "vx0").
		u32(unix.IFLA_MTU, 1450).attr(unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, 0, 1}).u32(unix.IFLA_GROUP, 157).
		nest(unix.IFLA_LINKINFO, func(m message) message {
			return m.str(unix.IFLA_INFO_KIND, "vxlan").nest(unix.IFLA_INFO_DATA, func(m message) message {
				return m.u32(unix.IFLA_VXLAN_ID, 7).port(unix.IFLA_VXLAN_PORT, 4789).addr(unix.IFLA_VXLAN_LOCAL, addr("192.0.2.1")).u32(unix.IFLA_VXLAN_LINK, 1)
			})
		})
	address := newMessage(unix.RTM_NEWADDR, 0, []byte{unix.AF_INET, 24, 0, 0, 3, 0, 0, 0}).addr(unix.IFA_LOCAL, addr("192.0.2.1")).u8(ifaProto, 157)
	head := rtmsg{family: unix.AF_INET, dstLen: 24, table: unix.RT_TABLE_MAIN, kind: unix.RTN_UNICAST}
	route := newMessage(unix.RTM_NEWROUTE, 0, head.bytes()).addr(unix.RTA_DST, addr("10.0.0.0")).u32(unix.RTA_OIF, 3).
		attr(unix.RTA_MULTIPATH, append([]byte{16, 0, 0, 1, 3, 0, 0, 0}, message(nil).addr(unix.RTA_GATEWAY, addr("192.0.2.2"))...))
	neighbour := newMessage(unix.RTM_NEWNEIGH, 0, ndmsg(unix.AF_INET, 3, 0xc0, unix.NTF_SELF)).
		addr(unix.NDA_DST, addr("192.0.2.2")).attr(unix.NDA_LLADDR, []byte{2, 0, 0, 0, 0, 1})
	return []message{link, address, route, neighbour, refused(unix.EINVAL, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, "Reason"), refused(unix.EPERM, 0, "")}
}

// refused is an acknowledgement with an errno and, where the flags say so, a reason.
func refused(errno syscall.Errno, flags uint16, reason string) message {
	body := native.AppendUint32(nil, uint32(-int32(errno)))
	body = append(body, make([]byte, unix.SizeofNlMsghdr)...)
	if flags&unix.NLM_F_CAPPED == 0 {
		native.PutUint32(body[4:], unix.SizeofNlMsghdr+8) // the request is echoed as a whole
		body = append(body, make([]byte, 8)...)
	}
	m := newMessage(unix.NLMSG_ERROR, 0, body)
	native.PutUint16(m[6:], flags)
	if reason != "" {
		m = m.str(unix.NLMSGERR_ATTR_MSG, reason)
	}
	return m
}

// TestAckError reads the kernel's own reason, whether it echoes the request or not.
func TestAckError(t *testing.T) {
	for _, tc := range []struct {
		m    message
		want string
	}{
		{refused(0, 0, ""), ""},
		{refused(unix.EPERM, 0, ""), "operation not permitted"},
		{refused(unix.EINVAL, unix.NLM_F_ACK_TLVS, "Not so"), "invalid argument: Not so"},
		{refused(unix.EINVAL, unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED, "Not so"), "invalid argument: Not so"},
		{refused(unix.EINVAL, unix.NLM_F_CAPPED, "Not so"), "invalid argument"},
	} {
		tc.m.seal(1)
		for r := range replies(tc.m) {
			got := ""
			if err := ackError(r); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got error %q, want %q", got, tc.want)
			}
		}
	}
}

// TestCutOff reads messages of any length that is too short.
func TestCutOff(t *testing.T) {
	for _, m := range messages() {
		for n := range len(m) {
			for range replies(m[:n]) {
				if n < len(m) && int(native.Uint32(m)) > n {
					t.Errorf("a message of %d bytes was read in %d", native.Uint32(m), n)
				}
			}
			parseAll(m[min(n, unix.SizeofNlMsghdr):n], map[uint32]string{3: "vx0"}, true)
		}
	}
}

// A route through a link that is gone is gone, too.
func TestRouteOfUnknownLink(t *testing.T) {
	m := messages()[2]
	body := m[unix.SizeofNlMsghdr:]
	if r, ok := parseRoute(body, named(map[uint32]string{3: "vx0"})); !ok || r.Dev != some("vx0") {
		t.Errorf("got %v, %v", r, ok)
	}
	if r, ok := parseRoute(body, named(map[uint32]string{4: "vx1"})); ok {
		t.Errorf("got %v", r)
	}
}

// Addresses read as they were written, and only what has an address's length is one.
func TestReadAddr(t *testing.T) {
	for in, want := range map[string]netip.Addr{
		"": {}, "\x00\x00\x00\x00": {}, strings.Repeat("\x00", 16): {}, "\x0a\x00\x00": {}, "\x0a\x00\x00\x01": addr("10.0.0.1"),
		"\x20\x01" + strings.Repeat("\x00", 13) + "\x01": addr("2001::1"),
	} {
		if got := readAddr([]byte(in)); got != want {
			t.Errorf("%x: got %v, want %v", in, got, want)
		}
	}
}

func TestFeatures(t *testing.T) {
	for release, want := range map[string]Features{
		"4.20.0": {}, "5.17.9": {}, "5.18": {AddressProtocol: true}, "6.1.0-44-cloud-amd64": {AddressProtocol: true},
		"6.2": {AddressProtocol: true, LiveRename: true}, "6.3.99": {AddressProtocol: true, LiveRename: true},
		"6.4.0": {true, true, true}, "6.18.44": {true, true, true}, "7.0": {true, true, true}, "10.1": {true, true, true}, "": {}, "six": {},
	} {
		if got := featuresOf(release); got != want {
			t.Errorf("%q has %+v, want %+v", release, got, want)
		}
	}
}

// TestOpError reads as people do.
func TestOpError(t *testing.T) {
	vx := model.Link{Name: "vx0", Type: some(model.TypeVXLAN), VXLAN: model.VXLAN{VNI: some[uint32](7), Port: some[uint16](4789)}}
	full := model.Link{Name: "p1024", Type: some(model.TypeVeth)}
	for _, tc := range []struct {
		op   string
		o    model.Object
		err  error
		want string
	}{
		{"create", vx, &refusal{unix.EEXIST, "A VXLAN device with the specified VNI already exists."},
			"create link vx0: file exists (the kernel says: A VXLAN device with the specified VNI already exists; VNI 7 on port 4789 is taken; see: ip -d link show type vxlan)"},
		{"create", vx, &refusal{errno: unix.EEXIST}, "create link vx0: file exists (a device of the name appeared meanwhile)"},
		{"create", vx, unix.EPERM, "create link vx0: operation not permitted (needs CAP_NET_ADMIN)"},
		{"create", model.Netns{Name: "blue"}, unix.EPERM, "create netns blue: operation not permitted (needs CAP_SYS_ADMIN)"},
		{"update", full, &refusal{errno: unix.EXFULL}, "update link p1024: exchange full (a bridge has at most 1023 ports)"},
		{"create", full, unix.ENOBUFS, "create link p1024: no buffer space available (the kernel is out of memory or of table space)"},
		{"list the links of", model.Netns{}, errInterrupted,
			"list the links of the host: the kernel's tables kept changing while they were read; try again"},
	} {
		if got := opError(tc.op, tc.o, tc.err).Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
	if err := opError("create", vx, nil); err != nil {
		t.Errorf("of no error came %v", err)
	}
}
