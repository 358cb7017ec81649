package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A door that stays open sees links that others made again under the same name, and
// puts things on them.
func TestLinkMadeAgain(t *testing.T) {
	s := newSim(t)
	again := `
link delete vx0
link add vx0 type vxlan id 8 dstport 8472 local 192.0.2.1 dev u0 nolearning
link set vx0 up
`
	s.lines(vxlanCommands)
	n := model.Neighbour{Link: "vx0", IP: addr("10.0.0.1"), MAC: some(mac("02:00:00:00:01:01")), State: some(model.NeighbourPermanent)}
	f := model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:01:01"), Dst: someAddr("192.0.2.11")}
	a := model.Address{Link: "vx0", Prefix: prefix("10.0.0.7/32")}
	s.create(n, f, a)
	s.lines(again + `neighbour add 10.0.0.9 lladdr 02:00:00:00:01:09 dev vx0`)
	l, err := s.Neighbours(t.Context(), "", "vx0")
	if err != nil || len(l) != 1 || l[0].IP != addr("10.0.0.9") {
		t.Errorf("neighbours of the new link: got %v, %v", l, err)
	}
	s.snapshot() // as a look at the host does
	s.create(n, f, a)
	for _, o := range []model.Object{n, f, a} {
		s.mustGet(o.Key())
	}
	s.lines(again)
	s.snapshot()
	s.lines(`neighbour add 10.0.0.1 lladdr 02:00:00:00:01:01 dev vx0`)
	s.remove(n)
	if out := s.ip("neighbour", "show", "dev", "vx0"); strings.Contains(out, "10.0.0.1") {
		t.Errorf("not deleted from the new link:\n%s", out)
	}
}

// A link that others gave another name is known by that.
func TestLinkRenamed(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + "link add br0 type bridge\nlink set br0 up\naddress add 10.9.9.1/24 dev br0")
	match := func(want string) {
		t.Helper()
		if m, err := s.FIBMatch(t.Context(), addr("10.9.9.9")); err != nil || m.Dev != want {
			t.Errorf("the device is %q, %v, want %q", m.Dev, err, want)
		}
	}
	match("br0")
	s.lines("link set br0 down\nlink set br0 name br9\nlink set br9 up")
	s.mustGet(model.LinkKey("", "br9"))
	match("br9")
	s.create(model.Link{Name: "br0", Type: some(model.TypeBridge)})
	s.create(model.Address{Link: "br0", Prefix: prefix("10.8.8.1/24")})
	s.mustGet(model.AddressKey("", "br0", prefix("10.8.8.1/24")))
}

// One door serves many at once, while namespaces come and go.
func TestAtOnce(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	s.create(model.Netns{Name: "stays"})
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				for _, ns := range []string{"", "stays", "n0", "n1"} {
					_, errLinks := s.Links(context.Background(), ns)
					_, errRoutes := s.Routes(context.Background(), ns)
					_, errAddresses := s.Addresses(context.Background(), ns)
					err := errors.Join(errLinks, errRoutes, errAddresses)
					if err != nil && (ns == "" || ns == "stays" || !gone(err)) {
						t.Errorf("netns %q: %v", ns, err)
					}
				}
			}
		})
	}
	for i := range 2 {
		writers.Go(func() {
			n := model.Netns{Name: fmt.Sprintf("n%d", i)}
			l := model.Link{Netns: n.Name, Name: "br0", Type: some(model.TypeBridge), Up: some(true)}
			for range 15 {
				for _, step := range []model.Step{
					{Op: model.OpCreate, After: n}, {Op: model.OpCreate, After: l}, {Op: model.OpDelete, Before: l}, {Op: model.OpDelete, Before: n},
				} {
					if err := s.Do(context.Background(), []model.Step{step})[0]; err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
}

// gone says whether an error is what comes of looking into a namespace that is being
// deleted: its file is gone, or nothing is mounted on it any more, or its socket is
// closed.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EBADF) || strings.Contains(err.Error(), "is not a network namespace")
}

// After Close, a door is closed for whoever still holds a namespace of it.
func TestClose(t *testing.T) {
	s := newSim(t)
	h := s.open(s.opts)
	root, err := h.space("")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := root.link("lo"); !errors.Is(err, unix.EBADF) {
		t.Errorf("got error %v, want %v", err, unix.EBADF)
	}
	if err := h.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}

// Another program may hold the UDP port: that comes out only when the device is set
// up, and nothing of it stays.
func TestVXLANPortTaken(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands)
	var fd int
	err := s.In("", func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 8472})
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.snapshot()
	vx := vxlanSamples()[0].object
	err = s.do(model.OpCreate, nil, vx)
	if s.opErrorOf(err); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "another program holds UDP port 8472") {
		t.Errorf("got error %v, want %v", err, unix.EADDRINUSE)
	}
	s.unchanged("a create that failed", before)
	unix.Close(fd)
	s.create(vx)
}
