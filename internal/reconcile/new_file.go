package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// WriteNew writes a file that only its owner can read. One that is there is only replaced
// with replace, else that is fs.ErrExist, unless it has just that text.
func WriteNew(path string, text []byte, replace bool) error {
	path = filepath.Clean(path) // "a/" is a, and no file in it
	d, err := kernel.OpenPlace(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	defer d.Close()
	name := filepath.Base(path)
	switch err = writeNew(d, name, text); {
	case err == nil, errors.Is(err, fs.ErrExist) && has(d, name, text):
		return nil
	case replace && errors.Is(err, fs.ErrExist):
		err = d.Replace(name, text)
	}
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return nil
}

// writeNew makes a file, and removes it where it cannot be written as a whole.
func writeNew(d *kernel.Dir, name string, text []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, d.Remove(name))
	}
	return nil
}

// has says whether a file has just that text.
func has(d *kernel.Dir, name string, text []byte) bool {
	f, err := d.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(len(text))+1))
	return err == nil && bytes.Equal(b, text)
}
