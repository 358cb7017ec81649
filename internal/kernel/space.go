package kernel

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// space is an open network namespace.
type space struct {
	netns string   // its name; "" for the root
	file  *os.File // nil for the process's own namespace
	inode uint64
	conn  *conn

	newsMu sync.Mutex
	news   *conn // hears of changes, while a dump is made; made when it is needed

	sideMu sync.Mutex
	side   *conn // for a dump beside others; made when it is needed

	twin twin

	mu      sync.Mutex
	index   map[string]uint32 // of links, as far as they were listed or asked for
	nameOf  map[uint32]string // the opposite
	changes *atomic.Uint64    // of the host
	rooms   *rooms            // of the host
	as      uint64            // what changes was when index was begun: later, it is not to be trusted
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
	if s := h.opened(netns); s != nil {
		return s, nil
	}
	if err := h.checkNetnsDir(netns); err != nil {
		return nil, err
	}
	s, err := h.openSpace(netns)
	if err != nil {
		return nil, err
	}
	if s.file == nil {
		err = s.dial()
	} else {
		err = abroad(s.dialInside)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	h.spaces[netns] = s
	return s, nil
}

// openAhead opens the handles of many namespaces, on one thread that goes from one to the
// next. What cannot be opened is told to whoever asks for it.
func (h *Host) openAhead(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var missing []string
	for _, name := range names {
		if h.opened(name) == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 || h.checkNetnsDir(missing[0]) != nil {
		return
	}
	_ = abroad(func(home *os.File) error { // whatever it is, who asks again will hear it
		for _, name := range missing {
			if s := h.openHere(name, home); s != nil {
				h.spaces[name] = s
			}
		}
		return nil
	})
}

// openHere opens a namespace, and leaves the calling thread in there; nil if it cannot be
// opened.
func (h *Host) openHere(netns string, home *os.File) *space {
	s, err := h.openSpace(netns)
	if err != nil {
		return nil
	}
	if s.dialInside(home) != nil {
		s.close()
		return nil
	}
	return s
}

// opened returns the handle of a namespace that is open already, or nil.
func (h *Host) opened(netns string) *space {
	s, ok := h.spaces[netns]
	if !ok {
		return nil
	}
	if netns == "" || s.inode == inodeOf(h.path(netns)) {
		return s
	}
	s.close()
	delete(h.spaces, netns)
	return nil
}

// keep puts a handle in the place of the one that the namespace's name had before.
func (h *Host) keep(s *space) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.spaces[s.netns]; ok {
		old.close()
	}
	h.spaces[s.netns] = s
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

// newSpace returns a handle that has nothing open yet.
func (h *Host) newSpace(netns string) *space {
	return &space{netns: netns, index: map[string]uint32{}, nameOf: map[uint32]string{}, changes: &h.changes, rooms: &h.rooms}
}

// openSpace opens a namespace's file, but no sockets.
func (h *Host) openSpace(netns string) (*space, error) {
	s, path := h.newSpace(netns), h.path(netns)
	if path == "" {
		s.inode = inodeOf(ownNetns)
		return s, nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO has no other end
	if err != nil {
		return nil, fmt.Errorf("open netns %s: %w", shown(netns, path), err)
	}
	var st unix.Stat_t
	var fs unix.Statfs_t
	known := unix.Fstat(int(file.Fd()), &st) == nil && unix.Fstatfs(int(file.Fd()), &fs) == nil
	s.file, s.inode = file, st.Ino
	if !known || fs.Type != unix.NSFS_MAGIC {
		s.close()
		return nil, &noNetnsError{shown(netns, path), path}
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

// dialInside opens the socket, and leaves the calling thread in the namespace.
func (s *space) dialInside(home *os.File) error {
	if err := s.enter(home); err != nil {
		return err
	}
	return s.dial()
}

// dial opens the socket in the calling thread's namespace.
func (s *space) dial() (err error) {
	s.conn, err = s.socket()
	return err
}

func (s *space) socket() (*conn, error) {
	c, err := dial()
	if err == nil {
		c.rooms = s.rooms
	}
	return c, err
}

// another opens one more socket of the namespace.
func (s *space) another() (c *conn, err error) {
	if s.file == nil {
		return s.socket()
	}
	err = abroad(func(home *os.File) error {
		if err := s.enter(home); err != nil {
			return err
		}
		c, err = s.socket()
		return err
	})
	return c, err
}

// aside returns another socket of the namespace, for a long dump that others need not wait
// for, or that may be given up.
func (s *space) aside() (c *conn, err error) {
	s.sideMu.Lock()
	defer s.sideMu.Unlock()
	if s.side == nil {
		s.side, err = s.another()
	}
	return s.side, err
}

// dropAside closes that socket, on which the kernel goes on answering.
func (s *space) dropAside() {
	s.sideMu.Lock()
	defer s.sideMu.Unlock()
	if s.side != nil {
		s.side.close()
		s.side = nil
	}
}

// trim is Host.Trim for one namespace.
func (s *space) trim() {
	s.conn.trim()
	s.twin.trim()
	s.sideMu.Lock()
	defer s.sideMu.Unlock()
	if s.side != nil {
		s.side.trim()
	}
}

func (s *space) close() {
	s.dropAside()
	s.twin.close()
	s.newsMu.Lock()
	defer s.newsMu.Unlock()
	for _, c := range []*conn{s.conn, s.news} {
		if c != nil {
			c.close()
		}
	}
	if s.file != nil {
		s.file.Close()
	}
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

// enter takes the calling thread, one of abroad's, into the namespace; home is the
// process's own.
func (s *space) enter(home *os.File) error {
	file := s.file
	if file == nil {
		file = home
	}
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return &OpError{Op: "enter", Key: model.NetnsKey(shown(s.netns, file.Name())), Err: err, Cause: enterCause(err)}
	}
	return nil
}

func enterCause(err error) string {
	if err == unix.EPERM {
		return "needs CAP_SYS_ADMIN"
	}
	return ""
}
