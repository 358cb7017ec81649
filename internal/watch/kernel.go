package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Kernel hears of the changes on a host, in any number of its namespaces, and of the
// namespaces that come and go. One goroutine may use it, beside whoever waits for Wake.
type Kernel struct {
	host *kernel.Host
	dir  string // of the named namespaces
	ears map[string]*ear
	buf  []byte
	wake chan struct{}

	files   *fsnotify.Watcher
	watched bool // the directory is: before the first namespace it need not be there

	heard atomic.Uint64
	lost  atomic.Uint64
}

// ear is one namespace's.
type ear struct {
	*kernel.Listener
	taken chan struct{} // the news was taken: wait for more
}

// NewKernel begins to hear of namespaces that come and go; Follow says in which of them
// to hear of more. Close it.
func NewKernel(host *kernel.Host, netnsDir string) (*Kernel, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch network namespaces: %w", err)
	}
	return &Kernel{
		host: host, dir: netnsDir, files: w, ears: map[string]*ear{}, buf: kernel.NewsBuffer(), wake: make(chan struct{}, 1),
	}, nil
}

// Close ends all hearing.
func (k *Kernel) Close() error {
	for name := range k.ears {
		k.drop(name)
	}
	return k.files.Close()
}

// Wake receives when there is news of what is followed.
func (k *Kernel) Wake() <-chan struct{} { return k.wake }

// Netns receives when something happens in the directory of namespaces. Whoever
// receives calls Dir with it.
func (k *Kernel) Netns() <-chan fsnotify.Event { return k.files.Events }

// Missed receives when something in the directory of namespaces may have been missed.
func (k *Kernel) Missed() <-chan error { return k.files.Errors }

// Dir turns what happened in the directory of namespaces into news. The namespace is let
// go of: as long as anybody listens in one that was deleted, it lives on, and its veths.
func (k *Kernel) Dir(e fsnotify.Event) []kernel.News {
	if e.Name == "" || !e.Has(fsnotify.Create) && !e.Has(fsnotify.Remove) && !e.Has(fsnotify.Rename) {
		return nil
	}
	name := filepath.Base(e.Name)
	k.drop(name)
	k.host.Forget(name)
	return []kernel.News{{Key: model.NetnsKey(name)}}
}

// Heard counts the news, and how often some was lost.
func (k *Kernel) Heard() (news, lost uint64) { return k.heard.Load(), k.lost.Load() }

// Follow implements reconcile.Ear.
func (k *Kernel) Follow(netns []string) (more bool, err error) {
	if !k.watched {
		k.watched = k.files.Add(k.dir) == nil
		more = k.watched
	}
	wanted := map[string]bool{}
	for _, name := range netns {
		wanted[name] = true
		inode, err := k.host.Inode(name)
		if err != nil && kernel.Absent(err) {
			continue // gone meanwhile, of which the directory tells
		}
		if err != nil {
			return more, err
		}
		if e := k.ears[name]; e != nil && e.Inode() == inode {
			continue
		}
		if err := k.hear(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return more, err
		}
		more = true
	}
	for name := range k.ears {
		if !wanted[name] {
			k.drop(name)
		}
	}
	return more, nil
}

// hear begins to listen in a namespace, anew if need be.
func (k *Kernel) hear(name string) error {
	k.drop(name)
	l, err := k.host.Listen(name)
	if err != nil {
		return err
	}
	e := &ear{Listener: l, taken: make(chan struct{}, 1)}
	k.ears[name] = e
	go e.wait(k.wake)
	return nil
}

func (k *Kernel) drop(name string) {
	if e := k.ears[name]; e != nil {
		e.Close()
		close(e.taken)
		delete(k.ears, name)
	}
}

// wait wakes whoever takes news, once for all that is there.
func (e *ear) wait(wake chan<- struct{}) {
	for e.Wait() == nil {
		select {
		case wake <- struct{}{}:
		default: // somebody has already
		}
		if _, more := <-e.taken; !more {
			return
		}
	}
}

// Take implements reconcile.Ear. A namespace in which news was lost is listened to
// anew: what was remembered of its links may be wrong.
func (k *Kernel) Take() []kernel.News {
	var news []kernel.News
	for name, e := range k.ears {
		before := len(news)
		var err error
		news, err = e.Take(news, k.buf)
		fresh := news[before:]
		k.heard.Add(uint64(len(fresh)))
		if n := len(fresh); err != nil || n > 0 && fresh[n-1].Kind == kernel.Lost {
			k.lost.Add(1)
			news = append(news[:before], kernel.News{Netns: name, Kind: kernel.Lost})
			_ = k.hear(name) // else Follow does, with the look at everything that this leads to
			continue
		}
		select {
		case e.taken <- struct{}{}:
		default:
		}
	}
	return news
}
