package kernel

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Of namespaces that are made together, one that the kernel refuses leaves nothing behind,
// and the others are made.
func TestNetnsBornTogether(t *testing.T) {
	s := newSim(t)
	var l []model.Object
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		n := model.Netns{Name: name, Alias: some(sampleAlias), LoUp: some(true)}
		if name == "c" {
			n.Alias = some(strings.Repeat("x", 256))
		}
		l = append(l, n)
	}
	errs := s.all(s.Host, model.OpCreate, l...)
	if got := outcome(errs); got != "..x.." || !errors.Is(errs[2], unix.ERANGE) {
		t.Errorf("got %s: %v", got, errs)
	}
	inodes := map[uint64]bool{inodeOf(s.opts.Root): true}
	for i, o := range l {
		path := s.path(o.(model.Netns).Name)
		if i == 2 {
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what was refused has left its file: %v", err)
			}
			continue
		}
		s.has("made together", o, s.mustGet(o.Key()))
		if inode := inodeOf(path); inodes[inode] {
			t.Errorf("%s is not a namespace of its own", o.Key())
		} else {
			inodes[inode] = true
		}
	}
}
