package kernel

import "sync"

// twin is a second handle to a namespace, by which a table is watched and dumped while
// another one is by the first. The kernel dumps neighbours and FDB entries at the same time.
type twin struct {
	mu    sync.Mutex
	space *space // made when it is needed; it has sockets, and nothing else
}

// second returns the twin of the handle.
func (s *space) second() (*space, error) {
	t := &s.twin
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.space != nil {
		return t.space, nil
	}
	second := &space{netns: s.netns}
	for _, c := range []**conn{&second.conn, &second.news} {
		var err error
		if *c, err = s.another(); err != nil {
			second.close()
			return nil, err
		}
	}
	t.space = second
	return second, nil
}

func (t *twin) trim() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.space != nil {
		t.space.trim()
	}
}

func (t *twin) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.space != nil {
		t.space.close()
		t.space = nil
	}
}
