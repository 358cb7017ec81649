package kernel

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// spacesToMake is how many namespaces the host of the benchmark gets: each with a veth
// to a bridge, an address and a default route.
const spacesToMake = 100

// BenchmarkNamespaces makes namespaces, looks at them and removes them, next to the same
// done by the smallest number of requests, on one thread, with prebuilt messages: what
// the kernel needs for them. Requests are netlink messages, not sends.
func BenchmarkNamespaces(b *testing.B) {
	for _, x := range []struct {
		name string
		by   func(*sim) crowd
	}{
		{"floor", func(s *sim) crowd { return &rawCrowd{sim: s} }},
		{"host", func(s *sim) crowd { return &hostCrowd{sim: s} }},
	} {
		b.Run("make/"+x.name, func(b *testing.B) { benchCrowd(b, x.by, 0) })
		b.Run("look/"+x.name, func(b *testing.B) { benchCrowd(b, x.by, 1) })
		b.Run("remove/"+x.name, func(b *testing.B) { benchCrowd(b, x.by, 2) })
	}
}

// crowd is a way of dealing with many namespaces. Each returns the number of requests.
type crowd interface {
	create() int
	look() int
	remove() int
}

// benchCrowd measures one of the three.
func benchCrowd(b *testing.B, by func(*sim) crowd, which int) {
	s := newSim(b)
	s.lines("link add br0 type bridge\nlink set br0 up")
	c := by(s)
	requests, busy := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		for i, do := range []func() int{c.create, c.look, c.remove} {
			if i != which {
				do()
				continue
			}
			s.buried()
			since := cpuTime()
			b.StartTimer()
			requests += do()
			b.StopTimer()
			busy += cpuTime() - since
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
	b.ReportMetric(float64(busy.Microseconds())/float64(b.N), "cpu-us/op")
}

// buried waits until the kernel has taken namespaces down that were removed before: it
// takes them in order (cleanup_net, net/core/net_namespace.c).
func (s *sim) buried() {
	for range 2 { // what came while it was at the last ones
		s.create(model.Netns{Name: "last"}, model.Link{Name: "vlast", Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: "last", Name: "eth0"})})
		s.remove(model.Netns{Name: "last"})
		s.eventually("the last namespace goes", func() bool { return !s.hasLink("", "vlast") })
	}
}

// cpuTime is what the process has used of the processors so far. Beside others on the
// machine, it tells more than the clock.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func crowdName(i int) (netns, veth string) { return fmt.Sprintf("n%d", i), fmt.Sprintf("veth%d", i) }

// crowdAddress is that of namespace i; the bridge would have 10.0.0.1.
func crowdAddress(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i + 2)}), 16)
}

// hostCrowd goes through the door, as a run does: each look and each removal is that of
// a process that has just been started.
type hostCrowd struct {
	*sim
}

// during opens the door, and returns the requests that f made through it.
func (c *hostCrowd) during(f func(*Host)) int {
	h, err := Open(c.opts)
	if err != nil {
		c.Fatal(err)
	}
	f(h)
	n := requestsOf(h)
	if err := h.Close(); err != nil {
		c.Fatal(err)
	}
	return n
}

// requestsOf counts the messages that a host has sent to the namespaces that it has open.
func requestsOf(h *Host) int {
	n := 0
	for _, s := range h.spaces {
		n += int(s.conn.seq)
	}
	return n
}

func (c *hostCrowd) steps(op model.Op, objects []model.Object) []model.Step {
	var l []model.Step
	for _, o := range objects {
		if op == model.OpCreate {
			l = append(l, model.Step{Op: op, After: o})
		} else {
			l = append(l, model.Step{Op: op, Before: o})
		}
	}
	return l
}

func (c *hostCrowd) do(h *Host, op model.Op, kinds ...[]model.Object) {
	for _, objects := range kinds {
		for _, err := range h.Do(context.Background(), c.steps(op, objects)) {
			if err != nil {
				c.Fatal(err)
			}
		}
	}
}

// crowdObjects are what the namespaces consist of, by kind.
func crowdObjects() (spaces, veths, ends, addresses, routes []model.Object) {
	for i := range spacesToMake {
		netns, veth := crowdName(i)
		spaces = append(spaces, model.Netns{Name: netns, Alias: some(sampleAlias), LoUp: some(true)})
		l := sampleLink("", veth, model.TypeVeth)
		l.Master, l.Peer = some("br0"), some(model.EndRef{Netns: netns, Name: "eth0"})
		end := sampleLink(netns, "eth0", model.TypeVeth)
		end.Peer = some(model.EndRef{Name: veth})
		veths, ends = append(veths, l), append(ends, end)
		addresses = append(addresses, model.Address{Netns: netns, Link: "eth0", Prefix: crowdAddress(i), Protocol: some(model.MarkProtocol)})
		routes = append(routes, model.Route{
			Netns: netns, Dst: prefix("0.0.0.0/0"), Table: model.TableMain, Dev: some("eth0"), Via: someAddr("10.0.255.254"), Protocol: some(model.MarkProtocol),
		})
	}
	return spaces, veths, ends, addresses, routes
}

func (c *hostCrowd) create() int {
	spaces, veths, ends, addresses, routes := crowdObjects()
	return c.during(func(h *Host) { c.do(h, model.OpCreate, spaces, veths, ends, addresses, routes) })
}

func (c *hostCrowd) look() int {
	return c.during(func(h *Host) {
		ctx := context.Background()
		all, err := h.Netns(ctx)
		if err != nil || len(all) != spacesToMake {
			c.Fatal(len(all), err)
		}
		names := []string{""}
		for _, n := range all {
			names = append(names, n.Name)
		}
		links, err := h.Links(ctx, names...)
		if err != nil || len(links) < 3*spacesToMake {
			c.Fatal(len(links), err)
		}
		for _, name := range names {
			if _, err := h.Addresses(ctx, name); err != nil {
				c.Fatal(err)
			}
			if _, err := h.Routes(ctx, name); err != nil {
				c.Fatal(err)
			}
		}
	})
}

func (c *hostCrowd) remove() int {
	spaces, veths, _, _, _ := crowdObjects()
	return c.during(func(h *Host) { c.do(h, model.OpDelete, veths, spaces) })
}

// rawCrowd knows beforehand what the kernel will answer.
type rawCrowd struct {
	*sim
	inside []*space
}

// must ends the benchmark at an error.
func (c *rawCrowd) must(err error) {
	if err != nil {
		c.Helper()
		c.Fatal(err)
	}
}

// onThread runs f on a thread that may go into other namespaces.
func (c *rawCrowd) onThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open(ownNetns)
	c.must(err)
	defer own.Close()
	f()
	c.must(unix.Setns(int(own.Fd()), unix.CLONE_NEWNET))
}

// at most this many messages are sent at once, so that their errors fit the socket.
const rawChunk = 200

// send sends messages together, and waits for the last one.
func (c *rawCrowd) send(to *conn, l []message) int {
	for at := 0; at < len(l); at += rawChunk {
		chunk := l[at:min(at+rawChunk, len(l))]
		last := chunk[len(chunk)-1]
		native.PutUint16(last[6:], native.Uint16(last[6:])|unix.NLM_F_ACK)
		var all message
		for _, m := range chunk {
			to.seq++
			m.seal(to.seq)
			for all = append(all, m...); len(all)%unix.NLMSG_ALIGNTO != 0; {
				all = append(all, 0)
			}
		}
		c.must(unix.Sendto(to.fd, all, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
		c.must(to.settled())
	}
	return len(l)
}

// settled waits for the answer to the last request. What is heard before can only be
// errors of others.
func (c *conn) settled() error {
	b := make([]byte, receiveSize)
	for {
		n, _, err := unix.Recvfrom(c.fd, b, 0)
		if err != nil {
			return err
		}
		for r := range replies(b[:n]) {
			if err := ackError(r); err != nil || r.seq == c.seq {
				return err
			}
		}
	}
}

// endIndex is that of the second end: beside lo, it is the first one in there.
const endIndex = 2

func (c *rawCrowd) create() int {
	root, err := c.Host.space("")
	c.must(err)
	br0, err := root.linkIndex("br0")
	c.must(err)
	c.must(shareMounts(c.opts.NetnsDir))
	n := 0
	c.onThread(func() {
		for i := range spacesToMake {
			name, _ := crowdName(i)
			path := filepath.Join(c.opts.NetnsDir, name)
			c.must(os.WriteFile(path, nil, 0o600))
			c.must(unix.Unshare(unix.CLONE_NEWNET))
			s := &space{}
			s.conn, err = dial()
			c.must(err)
			n += c.send(s.conn, []message{loMessage(model.Netns{Alias: some(sampleAlias), LoUp: some(true)})})
			c.must(unix.Mount(ownNetns, path, "none", unix.MS_BIND, ""))
			s.file, err = os.Open(ownNetns)
			c.must(err)
			c.inside = append(c.inside, s)
		}
	})
	var veths []message
	for i, s := range c.inside {
		_, name := crowdName(i)
		m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(0, unix.IFF_UP, unix.IFF_UP)).
			str(unix.IFLA_IFNAME, name).u32(unix.IFLA_GROUP, model.MarkGroup).u32(unix.IFLA_MASTER, br0)
		veths = append(veths, m.nest(unix.IFLA_LINKINFO, func(m message) message {
			return m.str(unix.IFLA_INFO_KIND, "veth").nest(unix.IFLA_INFO_DATA, func(m message) message {
				return m.nest(vethInfoPeer, func(m message) message {
					return m.raw(ifinfo(endIndex, 0, 0)).str(unix.IFLA_IFNAME, "eth0").
						u32(unix.IFLA_NET_NS_FD, uint32(s.file.Fd())).u32(unix.IFLA_GROUP, model.MarkGroup)
				})
			})
		}), newMessage(unix.RTM_NEWLINK, 0, ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, name).attr(unix.IFLA_IFALIAS, []byte(sampleAlias)))
	}
	n += c.send(root.conn, veths)
	for i, s := range c.inside {
		a := crowdAddress(i)
		ifaddrmsg := native.AppendUint32([]byte{unix.AF_INET, byte(a.Bits()), 0, 0}, endIndex)
		gateway := newMessage(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
			rtmsg{family: unix.AF_INET, table: unix.RT_TABLE_MAIN, protocol: model.MarkProtocol, kind: unix.RTN_UNICAST}.bytes()).
			u32(unix.RTA_OIF, endIndex).addr(unix.RTA_GATEWAY, addr("10.0.255.254"))
		n += c.send(s.conn, []message{
			newMessage(unix.RTM_NEWLINK, 0, ifinfo(endIndex, unix.IFF_UP, unix.IFF_UP)).attr(unix.IFLA_IFALIAS, []byte(sampleAlias)),
			newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifaddrmsg).
				addr(unix.IFA_LOCAL, a.Addr()).addr(unix.IFA_ADDRESS, a.Addr()).u8(ifaProto, model.MarkProtocol),
			gateway,
		})
		s.close()
	}
	c.inside = nil
	return n
}

func (c *rawCrowd) look() int {
	ctx := context.Background()
	n := 0
	dump := func(s *space) {
		for _, m := range []message{
			newMessage(unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg)).u32(unix.IFLA_EXT_MASK, skipStats),
			newMessage(unix.RTM_GETADDR, 0, make([]byte, unix.SizeofIfAddrmsg)),
			routeRequest(unix.AF_INET, 0), routeRequest(unix.AF_INET6, 0),
		} {
			n++
			_, err := s.conn.dump(ctx, m)
			c.must(err)
		}
	}
	root, err := c.Host.space("")
	c.must(err)
	dump(root)
	c.onThread(func() {
		for i := range spacesToMake {
			name, _ := crowdName(i)
			s := &space{}
			s.file, err = os.Open(filepath.Join(c.opts.NetnsDir, name))
			c.must(err)
			c.must(unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET))
			s.conn, err = dial()
			c.must(err)
			dump(s)
			n++
			_, err := root.conn.get(newMessage(unix.RTM_GETNSID, 0, make([]byte, unix.SizeofRtGenmsg)).u32(unix.NETNSA_FD, uint32(s.file.Fd())))
			c.must(err)
			s.close()
		}
	})
	return n
}

func (c *rawCrowd) remove() int {
	const doomed = 99
	root, err := c.Host.space("")
	c.must(err)
	var l []message
	for i := range spacesToMake {
		_, name := crowdName(i)
		l = append(l, newMessage(unix.RTM_NEWLINK, 0, ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, name).u32(unix.IFLA_GROUP, doomed))
	}
	l = append(l, newMessage(unix.RTM_DELLINK, 0, ifinfo(0, 0, 0)).u32(unix.IFLA_GROUP, doomed))
	n := c.send(root.conn, l)
	for i := range spacesToMake {
		name, _ := crowdName(i)
		path := filepath.Join(c.opts.NetnsDir, name)
		c.must(unix.Unmount(path, unix.MNT_DETACH))
		c.must(os.Remove(path))
	}
	return n
}
