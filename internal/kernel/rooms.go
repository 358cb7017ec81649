package kernel

import "sync"

// rooms are buffers to receive into. The sockets of a host share them: of thousands, few are
// read from at a time.
type rooms struct{ pool sync.Pool }

// take returns a buffer that nobody else uses until it is given back.
func (r *rooms) take() *[receiveSize]byte {
	if r != nil {
		if b, ok := r.pool.Get().(*[receiveSize]byte); ok {
			return b
		}
	}
	return new([receiveSize]byte)
}

func (r *rooms) give(b *[receiveSize]byte) {
	if r != nil {
		r.pool.Put(b)
	}
}
