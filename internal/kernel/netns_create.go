package kernel

import (
	"errors"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// bornTogether is how many namespaces are made at a time.
const bornTogether = 64

func (d netnsDoor) createAll(steps []model.Step) []error {
	n := nursery{h: d.h}
	defer n.close()
	return someAtATime(steps, bornTogether, n.bear)
}

// nursery makes namespaces.
type nursery struct {
	h   *Host
	dir *Dir // of named namespaces, once the first one was made

	mu sync.Mutex // of the host's OnWrite
}

func (n *nursery) close() {
	if n.dir != nil {
		n.dir.Close()
	}
}

// bear makes a few namespaces as "ip netns add" does: a thread goes into a new one, which is
// then bound to a file. There is a thread a processor, since most of what the kernel does for
// a new one (setup_net, net/core/net_namespace.c) needs no lock that others have. Once one has
// failed, those that were begun with it are made all the same.
func (n *nursery) bear(steps []model.Step) []error {
	errs := inTurn(steps, func(s model.Step) error { return n.prepare(s.After.(model.Netns).Name) })
	steps = steps[:untilFailed(errs)]
	threads := min(runtime.GOMAXPROCS(0), len(steps))
	spread(threads, threads, func(thread int) {
		err := abroad(func(*os.File) error {
			for i := thread; i < len(steps); i += threads {
				errs[i] = n.born(steps[i].After.(model.Netns))
			}
			return nil
		})
		for i := thread; i < len(steps) && err != nil; i += threads {
			errs[i] = err
		}
	})
	for i, s := range steps {
		if errs[i] != nil {
			os.Remove(n.h.path(s.After.(model.Netns).Name))
		}
	}
	return errs
}

// prepare makes the file that a namespace is to be mounted on. An empty one that nothing is
// mounted on is left over from a run that died, and taken.
func (n *nursery) prepare(name string) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	if err := n.h.writing(); err != nil {
		return err
	}
	if err := n.open(); err != nil {
		return err
	}
	f, err := n.dir.Create(name)
	if err == nil {
		return f.Close()
	}
	path := n.h.path(name)
	st, statErr := os.Lstat(path)
	if statErr == nil && st.Mode().IsRegular() && st.Size() == 0 && !isNamespace(path) {
		return nil
	}
	return err
}

func (n *nursery) open() (err error) {
	if n.dir != nil {
		return nil
	}
	if err := shareMounts(n.h.opts.NetnsDir); err != nil {
		return err
	}
	n.dir, err = OpenDir(n.h.opts.NetnsDir)
	return err
}

// born makes a namespace, whose file is there, and leaves the calling thread in it. Its lo
// carries the mark before it has a name, so that there is never a named one without. It stays
// open: what is made in it comes next.
func (n *nursery) born(o model.Netns) error {
	s := n.h.newSpace(o.Name)
	if err := n.bindNew(s, o); err != nil {
		s.close()
		return err
	}
	n.h.keep(s)
	return nil
}

// bindNew makes the namespace of a handle, and binds it to its file.
func (n *nursery) bindNew(s *space, o model.Netns) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := s.dial(); err != nil {
		return err
	}
	if err := errors.Join(s.conn.exec(loMessage(o)), n.writing()); err != nil {
		return err
	}
	var err error
	if s.file, err = os.Open(ownNetns); err != nil {
		return err
	}
	s.inode = inodeOf(handlePath(s.file))
	return unix.Mount(ownNetns, n.h.path(o.Name), "none", unix.MS_BIND, "")
}

// writing is the host's, for one thread at a time.
func (n *nursery) writing() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.h.writing()
}
