package kernel

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// DefaultNetnsDir is where iproute2 keeps named network namespaces (ip-netns(8)).
const DefaultNetnsDir = "/run/netns"

// ownNetns is the network namespace of the calling thread. That of /proc/self is the
// first thread's, which may be somewhere else just now.
const ownNetns = "/proc/thread-self/ns/net"

// Options say which host to open. The zero value is the one that the process runs
// on.
type Options struct {
	Root     string // path of the root network namespace's file; "": the process's own
	NetnsDir string // directory of named namespaces; "": DefaultNetnsDir
	StateDir string // where the original values of sysctls are remembered; "": nowhere

	// Trace is told of each step as it is done or refused; nil tells nobody.
	Trace func(s model.Step, err error)
	// OnWrite is asked before each request that changes something; its error refuses
	// the request in the kernel's place. nil isn't asked.
	OnWrite func() error
}

// Host is the door to one host: its root network namespace and the named ones. It
// is safe for concurrent use.
type Host struct {
	opts     Options
	features Features
	writes   atomic.Uint64
	memoryMu sync.Mutex // of the file that remembers sysctls

	recallMu sync.Mutex
	recall   struct {
		text   []byte // of that file, when it was read last
		memory *memory
	}

	mu     sync.Mutex
	spaces map[string]*space // by name; "" is the root

	changes atomic.Uint64         // to links by which others may have gone, or changed their names; see space.index
	spare   atomic.Pointer[chunk] // not in use just now; nil: none
	rooms   rooms
}

// Features are what differs between kernels.
type Features struct {
	// AddressProtocol says that addresses carry IFA_PROTO: as of Linux 5.18.
	AddressProtocol bool `json:"address_protocol"`
	// AddressProtocolChange says that replacing an IPv4 address changes it: as of
	// Linux 6.4 (5c4a9aa856c7).
	AddressProtocolChange bool `json:"address_protocol_change"`
	// LiveRename says that a link that is up can get another name: as of Linux 6.2.
	LiveRename bool `json:"live_rename"`
}

// Open opens a host. Nothing of it is read or changed yet, but that its root
// namespace exists.
func Open(o Options) (*Host, error) {
	if o.NetnsDir == "" {
		o.NetnsDir = DefaultNetnsDir
	}
	h := &Host{opts: o, features: probeFeatures(), spaces: map[string]*space{}}
	if _, err := h.space(""); err != nil {
		return nil, err
	}
	return h, nil
}

// RememberIn is Options.StateDir for a host that was opened before that was known.
func (h *Host) RememberIn(dir string) { h.opts.StateDir = dir }

// Close gives the host's handles back.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.spaces {
		s.close()
		delete(h.spaces, name)
	}
	return nil
}

// Trim gives up the memory that dumps have left for later ones. After a look at a large host
// that is much, and no use to what comes next.
func (h *Host) Trim() {
	h.mu.Lock()
	spaces := slices.Collect(maps.Values(h.spaces))
	h.mu.Unlock()
	for _, s := range spaces {
		s.trim()
	}
}

// Features returns what the kernel can do.
func (h *Host) Features() Features { return h.features }

// Writes returns how many requests that change something were sent to the kernel:
// netlink requests, namespaces made and removed, sysctls written.
func (h *Host) Writes() uint64 { return h.writes.Load() }

// ID returns the inode of the root network namespace, which identifies the host
// among those simulated on one machine.
func (h *Host) ID() (uint64, error) { return h.Inode("") }

// Inode returns the inode of a network namespace, which is the same under all of its
// names; "" is the root.
func (h *Host) Inode(netns string) (uint64, error) {
	s, err := h.space(netns)
	if err != nil {
		return 0, err
	}
	return s.inode, nil
}

// In runs f on a thread inside the named namespace, "" being the host's root one.
// f must not start goroutines that count on it.
func (h *Host) In(netns string, f func() error) error {
	s, err := h.space(netns)
	if err != nil {
		return err
	}
	if s.file == nil {
		return f()
	}
	return abroad(func(home *os.File) error {
		if err := s.enter(home); err != nil {
			return err
		}
		return f()
	})
}

// writing counts a request that is about to change something, and says whether it may
// be made.
func (h *Host) writing() error {
	h.writes.Add(1)
	if h.opts.OnWrite == nil {
		return nil
	}
	return h.opts.OnWrite()
}

// exec sends a request that changes something, and counts it.
func (h *Host) exec(s *space, m message) error {
	if err := h.writing(); err != nil {
		return err
	}
	return s.conn.exec(m)
}

// probeFeatures reads the kernel's version: the features it decides cannot be
// tried without changing something.
func probeFeatures() Features {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return Features{}
	}
	return featuresOf(unix.ByteSliceToString(u.Release[:]))
}

func featuresOf(release string) Features {
	var major, minor int
	if n, _ := fmt.Sscanf(strings.ReplaceAll(release, "-", " "), "%d.%d", &major, &minor); n != 2 {
		return Features{}
	}
	atLeast := func(a, b int) bool { return major > a || major == a && minor >= b }
	return Features{AddressProtocol: atLeast(5, 18), AddressProtocolChange: atLeast(6, 4), LiveRename: atLeast(6, 2)}
}
