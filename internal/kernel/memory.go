package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// memory is what sysctls were before the tool set them, for as long as the machine
// runs: the kernel keeps no mark for them. It is a file in Options.StateDir.
type memory struct {
	Boot    string         `json:"boot"` // /proc/sys/kernel/random/boot_id
	Root    uint64         `json:"root"` // identity of the root network namespace
	Sysctls []sysctlBefore `json:"sysctls"`

	dead bool // the file has more, of what is gone
	at   map[[2]string]int
}

type sysctlBefore struct {
	Netns string `json:"netns,omitempty"`
	ID    uint64 `json:"id,omitempty"`    // identity of the netns: another one of the same name has other values
	Index uint32 `json:"index,omitempty"` // of the device that it belongs to: another one of the same name has other values
	Name  string `json:"name"`
	Value string `json:"value"`
}

// find returns the first entry of a sysctl; what is added later is not found.
func (m *memory) find(netns, name string) (sysctlBefore, bool) {
	if m.at == nil {
		m.at = make(map[[2]string]int, len(m.Sysctls))
		for i, e := range slices.Backward(m.Sysctls) {
			m.at[[2]string{e.Netns, e.Name}] = i
		}
	}
	i, ok := m.at[[2]string{netns, name}]
	if !ok {
		return sysctlBefore{}, false
	}
	return m.Sysctls[i], true
}

// identity returns a number that no other namespace has for as long as the machine
// runs, or 0 if there is no such namespace: its cookie (SO_NETNS_COOKIE, Linux 5.14),
// since an inode is used again as soon as it is free. Older kernels have but the inode.
func (h *Host) identity(netns string) uint64 {
	s, err := h.space(netns)
	if err != nil {
		return 0
	}
	if cookie, err := s.conn.cookie(); err == nil {
		return cookie
	}
	return s.inode
}

// memoryName is the file in Options.StateDir.
const memoryName = "sysctl.json"

func (h *Host) memoryFile() string { return filepath.Join(h.opts.StateDir, memoryName) }

// readMemory reads the file; that there is none is fs.ErrNotExist.
func (h *Host) readMemory() ([]byte, error) {
	d, err := OpenDir(h.opts.StateDir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := d.Open(memoryName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxMemory))
}

// maxMemory is how much of the file is read, in bytes: a larger one is not ours.
const maxMemory = 16 << 20

// recalled reads the memory. That of another boot or another host is none. What is in it
// of a namespace or device may be gone. It must not be changed.
func (h *Host) recalled() (*memory, error) {
	if h.opts.StateDir == "" {
		return h.noMemory()
	}
	b, err := h.readMemory()
	if errors.Is(err, fs.ErrNotExist) {
		return h.noMemory()
	}
	if err != nil {
		return nil, fmt.Errorf("read what sysctls were before: %w", err)
	}
	h.recallMu.Lock()
	defer h.recallMu.Unlock()
	if h.recall.memory != nil && bytes.Equal(b, h.recall.text) {
		return h.recall.memory, nil
	}
	m, err := h.parseMemory(b)
	if err != nil {
		return nil, err
	}
	m.find("", "") // for all who share it
	h.recall.text, h.recall.memory = b, m
	return m, nil
}

// noMemory is what a host has that nothing was set on.
func (h *Host) noMemory() (*memory, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("find out which boot this is: %w", err)
	}
	return &memory{Boot: strings.TrimSpace(string(boot)), Root: h.identity("")}, nil
}

func (h *Host) parseMemory(b []byte) (*memory, error) {
	fresh, err := h.noMemory()
	if err != nil {
		return nil, err
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read what sysctls were before: %s: %w; remove the file to forget them", h.memoryFile(), err)
	}
	if m.Boot != fresh.Boot || m.Root != fresh.Root {
		fresh.dead = true
		return fresh, nil
	}
	return &m, nil
}

// remembered is recalled without what is of a namespace or device that is gone. It is
// the caller's own.
func (h *Host) remembered() (*memory, error) {
	all, err := h.recalled()
	if err != nil {
		return nil, err
	}
	m := &memory{Boot: all.Boot, Root: all.Root, dead: all.dead}
	for _, e := range all.Sysctls {
		if h.stillThere(e) {
			m.Sysctls = append(m.Sysctls, e)
		}
	}
	m.dead = m.dead || len(all.Sysctls) > len(m.Sysctls)
	return m, nil
}

// stillThere says whether what was remembered is of a namespace and device that are there.
func (h *Host) stillThere(e sysctlBefore) bool {
	return (e.ID == 0 || h.identity(e.Netns) == e.ID) && (e.Index == 0 || h.deviceIndex(e.Netns, e.Name) == e.Index)
}

// deviceIndex returns the index of the device that a sysctl belongs to, or 0. It asks
// each time: the kernel gives a new device of an old name another index.
func (h *Host) deviceIndex(netns, name string) uint32 {
	device := model.Sysctl{Name: name}.Device()
	if device == "" {
		return 0
	}
	s, err := h.space(netns)
	if err != nil {
		return 0
	}
	l, err := s.link(device)
	if err != nil {
		return 0
	}
	return l.index
}

// remember notes what sysctls were, given with those values, as far as it isn't known
// already; first are those of which it wasn't.
func (h *Host) remember(before []model.Sysctl) (first []model.Sysctl, err error) {
	if h.opts.StateDir == "" || len(before) == 0 {
		return nil, nil
	}
	h.memoryMu.Lock()
	defer h.memoryMu.Unlock()
	m, err := h.remembered()
	if err != nil {
		return nil, err
	}
	for _, s := range before {
		if _, ok := m.find(s.Netns, s.Name); !ok {
			first = append(first, s)
		}
	}
	if len(first) == 0 {
		return nil, nil
	}
	for _, s := range first {
		e := sysctlBefore{Netns: s.Netns, Index: h.deviceIndex(s.Netns, s.Name), Name: s.Name, Value: s.Value.Value()}
		if s.Netns != "" {
			e.ID = h.identity(s.Netns)
		}
		m.Sysctls = append(m.Sysctls, e)
	}
	return first, h.store(m)
}

func (h *Host) unremember(l []model.Sysctl) error {
	if len(l) == 0 {
		return nil
	}
	h.memoryMu.Lock()
	defer h.memoryMu.Unlock()
	m, err := h.remembered()
	if err != nil {
		return err
	}
	done := map[model.Key]bool{}
	for _, s := range l {
		done[s.Key()] = true
	}
	known := len(m.Sysctls)
	m.Sysctls = slices.DeleteFunc(m.Sysctls, func(e sysctlBefore) bool { return done[model.SysctlKey(e.Netns, e.Name)] })
	if len(m.Sysctls) == known {
		return nil
	}
	return h.store(m)
}

// ForgetDead forgets what sysctls were of namespaces and devices that are gone. Nothing
// depends on it: it is not found again anyway.
func (h *Host) ForgetDead() {
	if h.opts.StateDir == "" {
		return
	}
	h.memoryMu.Lock()
	defer h.memoryMu.Unlock()
	if b, err := h.readMemory(); err != nil || len(b) == 0 {
		return
	}
	if m, err := h.remembered(); err == nil && m.dead {
		_ = h.store(m)
	}
}

// store replaces the file as a whole, so that no reader sees half of it. With nothing
// to remember there is no file.
func (h *Host) store(m *memory) error {
	d, err := MakeDir(h.opts.StateDir)
	if err != nil {
		return fmt.Errorf("remember what sysctls were before: %w", err)
	}
	defer d.Close()
	if len(m.Sysctls) == 0 {
		if err := d.Remove(memoryName); err != nil {
			return fmt.Errorf("forget what sysctls were before: %w", err)
		}
		RemoveDir(h.opts.StateDir)
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	const next = memoryName + ".new"
	if err := d.Remove(next); err != nil { // left over from a run that died
		return fmt.Errorf("remember what sysctls were before: %w", err)
	}
	if err := d.replace(memoryName, next, text(b)); err != nil {
		return fmt.Errorf("remember what sysctls were before: %w", err)
	}
	return nil
}
