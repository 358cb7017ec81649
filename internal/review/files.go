package review

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
)

// ReadSnapshots reads snapshots from files, and from the files *.json of directories. What
// cannot be read is a sighting with an error.
func ReadSnapshots(paths []string) ([]Sighting, error) {
	var files []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("read snapshots: %w", err)
		}
		if !st.IsDir() {
			files = append(files, p)
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, fmt.Errorf("read snapshots: %w", err)
		}
		for _, e := range entries {
			if name := e.Name(); !e.IsDir() && filepath.Ext(name) == ".json" && !strings.HasPrefix(name, ".") {
				files = append(files, filepath.Join(p, name))
			}
		}
	}
	l := make([]Sighting, len(files))
	inParallel(len(files), func(i int) {
		s, err := readSnapshot(files[i])
		l[i] = Sighting{From: files[i], Snapshot: s, Err: err}
	})
	return l, nil
}

func readSnapshot(path string) (*snapshot.Snapshot, error) {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("read the snapshot: %s is not a plain file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the snapshot: %w", err)
	}
	defer f.Close()
	s, err := snapshot.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("read the snapshot: %w", err)
	}
	return s, nil
}
