package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The last good topology is kept on disk for the next start, when the files need not be
// there yet: its digest and commit in the first line, then its texts.

// maxStored is how much of it is read, in bytes.
const maxStored = 128 << 20

// storeName is a name for what stands behind the paths.
func (d *Daemon) storeName() string {
	var l []string
	for _, p := range d.c.Paths {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		l = append(l, p)
	}
	return fmt.Sprintf("last-good-%08x", crc32.ChecksumIEEE([]byte(strings.Join(append(l, d.c.Node), "\x00"))))
}

// store keeps a topology that was put in force. That it could not be kept is told, and
// nothing more: the host is right all the same.
func (d *Daemon) store(n *topology) {
	if d.c.StateDir == "" || d.c.DryRun || d.stored != nil && d.stored.digest == n.digest {
		return
	}
	d.stored = n
	text, err := json.Marshal(n.Sources)
	if err == nil {
		err = d.keep(append([]byte(n.digest+" "+n.commit+"\n"), text...))
	}
	if err != nil {
		d.c.Log.Warn("could not keep the topology for the next start", "error", err)
	}
}

func (d *Daemon) keep(text []byte) error {
	dir, err := kernel.MakeDir(d.c.StateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	dir.Sweep() // what was left just before the start was too young then
	return dir.Replace(d.storeName(), text)
}

// restore reads the topology that was kept, or returns nil.
func (d *Daemon) restore() *topology {
	if d.c.StateDir == "" {
		return nil
	}
	dir, err := kernel.OpenDir(d.c.StateDir)
	if err != nil {
		return nil
	}
	defer dir.Close()
	dir.Sweep()
	f, err := dir.Open(d.storeName())
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStored))
	if err != nil {
		return nil
	}
	n, err := parseStored(text)
	if err != nil {
		d.c.Log.Warn("what was kept for this start cannot be used", "error", err)
		return nil
	}
	return n
}

func parseStored(text []byte) (*topology, error) {
	head, body, _ := bytes.Cut(text, []byte("\n"))
	digest, commit, _ := strings.Cut(string(head), " ")
	var sources []spec.Source
	if err := json.Unmarshal(body, &sources); err != nil {
		return nil, err
	}
	t, problems := spec.Parse(sources)
	if t == nil {
		return nil, invalid(problems)
	}
	if t.Digest != digest {
		return nil, fmt.Errorf("its digest is not %s", digest)
	}
	return &topology{t, digest, commit}, nil
}

// resolved follows all symlinks of a path, as far as it can.
func resolved(path string) string {
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	return path
}
