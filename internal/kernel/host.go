package kernel

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

	mu     sync.Mutex
	spaces map[string]*space // by name; "" is the root

	spare atomic.Pointer[chunk] // not in use just now; nil: none
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

// space is an open network namespace.
type space struct {
	netns string   // its name; "" for the root
	file  *os.File // nil for the process's own namespace
	inode uint64
	conn  *conn

	newsMu sync.Mutex
	news   *conn // hears of changes, while a dump is made

	mu    sync.Mutex
	index map[string]uint32 // of links, as far as they were listed or asked for
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
	return enter(s.file, model.NetnsKey(netns), f)
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

// space returns the namespace's handle, opening it if need be. A handle to a
// namespace that was deleted, or replaced by another of the same name, is given up:
// it would keep the dead one alive.
func (h *Host) space(netns string) (*space, error) {
	if err := checkNetnsName(netns); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	path := h.path(netns)
	s, ok := h.spaces[netns]
	if ok && (netns == "" || s.inode == inodeOf(path)) {
		return s, nil
	}
	if ok {
		s.close()
		delete(h.spaces, netns)
	}
	if err := h.checkNetnsDir(netns); err != nil {
		return nil, err
	}
	s, err := openSpace(path, netns)
	if err != nil {
		return nil, err
	}
	h.spaces[netns] = s
	return s, nil
}

// Forget closes the namespace's handle, if there is one.
func (h *Host) Forget(netns string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.spaces[netns]; ok {
		s.close()
		delete(h.spaces, netns)
	}
}

// checkNetnsName refuses a name that leads out of the directory of namespaces.
func checkNetnsName(netns string) error {
	if netns == "" {
		return nil
	}
	if err := CheckComponent(netns); err != nil {
		return fmt.Errorf("open netns: %w", err)
	}
	return nil
}

// checkNetnsDir refuses to enter what others could have put into the directory of
// namespaces: it might be any namespace of the machine.
func (h *Host) checkNetnsDir(netns string) error {
	if netns == "" {
		return nil
	}
	d, err := OpenDir(h.opts.NetnsDir)
	if err != nil {
		return fmt.Errorf("open netns %s: %w", netns, err)
	}
	return d.Close()
}

// path returns the namespace's file; "" is the process's own namespace.
func (h *Host) path(netns string) string {
	if netns == "" {
		return h.opts.Root
	}
	return filepath.Join(h.opts.NetnsDir, netns)
}

func openSpace(path, netns string) (*space, error) {
	s := &space{netns: netns, index: map[string]uint32{}}
	if path == "" {
		s.inode = inodeOf(ownNetns)
		return s, s.dial()
	}
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO has no other end
	if err != nil {
		return nil, fmt.Errorf("open netns %s: %w", shown(netns, path), err)
	}
	s.file, s.inode = file, inodeOf(handlePath(file))
	if !isNamespace(handlePath(file)) {
		s.close()
		return nil, &noNetnsError{shown(netns, path), path}
	}
	if err := enter(file, model.NetnsKey(shown(netns, path)), s.dial); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// handlePath names what an open file is, whatever has its name by now.
func handlePath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// noNetnsError says that nothing is mounted on a namespace's file: not yet, or not any
// more. The namespace does not exist.
type noNetnsError struct{ name, path string }

func (e *noNetnsError) Error() string {
	return fmt.Sprintf("open netns %s: %s is not a network namespace", e.name, e.path)
}

// Is makes it fs.ErrNotExist.
func (e *noNetnsError) Is(target error) bool {
	return target == fs.ErrNotExist || target == unix.ENOENT
}

// dial opens the sockets in the calling thread's namespace.
func (s *space) dial() (err error) {
	if s.conn, err = dial(); err != nil {
		return err
	}
	s.news, err = dial()
	return err
}

func (s *space) close() {
	for _, c := range []*conn{s.conn, s.news} {
		if c != nil {
			c.close()
		}
	}
	if s.file != nil {
		s.file.Close()
	}
}

// enter runs f on a thread that is inside the namespace of the file. The thread
// comes back; where it can't, it ends with its goroutine.
func enter(file *os.File, key model.Key, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		own, err := os.Open(ownNetns)
		if err != nil {
			done <- fmt.Errorf("find the own network namespace: %w", err)
			return
		}
		defer own.Close()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- &OpError{Op: "enter", Key: key, Err: err, Cause: enterCause(err)}
			return
		}
		err = f()
		if unix.Setns(int(own.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

func enterCause(err error) string {
	if err == unix.EPERM {
		return "needs CAP_SYS_ADMIN"
	}
	return ""
}

func inodeOf(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// isNamespace says whether a namespace is mounted on the file (NSFS_MAGIC,
// linux/magic.h).
func isNamespace(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

func shown(netns, path string) string {
	if netns == "" {
		return path
	}
	return netns
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
