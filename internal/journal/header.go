package journal

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// pieceSize is how much of the first line is written at once, in bytes.
const pieceSize = 64 << 10

// summed is a document that is being written in pieces.
type summed struct {
	to  io.Writer
	sum uint32 // CRC-32 of what was written
	buf []byte // what wasn't yet
}

// header writes a header and ends the line. The steps are in their short form.
func (w *summed) header(h Header) error {
	steps := h.Steps
	h.Steps = nil
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if steps == nil {
		return w.end(b)
	}
	w.buf = append(make([]byte, 0, pieceSize+pieceSize/8), bytes.TrimSuffix(b, []byte("null}"))...) // the steps are last
	if err := w.steps(steps); err != nil {
		return err
	}
	return w.end([]byte("]}"))
}

func (w *summed) steps(l []model.Step) (err error) {
	short := model.StepWriter{Next: w.next}
	sep := byte('[')
	for _, s := range l {
		if w.buf, err = short.Append(append(w.buf, sep), s); err != nil {
			return err
		}
		if w.buf, err = w.next(w.buf); err != nil {
			return err
		}
		sep = ','
	}
	if len(l) == 0 {
		w.buf = append(w.buf, sep)
	}
	return nil
}

// next writes what there is up to now, if that is a piece, and returns what isn't written.
func (w *summed) next(b []byte) ([]byte, error) {
	if len(b) < pieceSize {
		return b, nil
	}
	w.buf = b
	err := w.flush()
	return w.buf, err
}

func (w *summed) flush() error {
	w.sum = crc32.Update(w.sum, crc32.IEEETable, w.buf)
	_, err := w.to.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// readHeader reads what header has written, or encoding/json: as format 1 was.
func readHeader(b []byte) (Header, error) {
	var h struct {
		Header
		Steps []json.RawMessage `json:"steps"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return h.Header, err
	}
	var short model.StepReader
	for _, s := range h.Steps {
		step, err := short.Read(s)
		if err != nil {
			return h.Header, err
		}
		h.Header.Steps = append(h.Header.Steps, step)
	}
	return h.Header, nil
}

// end writes the last piece and the end of the line, which the checksum isn't about.
func (w *summed) end(b []byte) error {
	w.buf = append(w.buf, b...)
	if err := w.flush(); err != nil {
		return err
	}
	_, err := w.to.Write([]byte("\n"))
	return err
}
