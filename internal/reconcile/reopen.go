package reconcile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Reopen opens the host as the node whose run on it was interrupted, by the journal
// alone: the topology's file may have changed since, or be gone. Of several runs, it is
// that of the node, and of the topology, that are named; "" names none.
func Reopen(topology, node string, place Place) (*Reconciler, error) {
	all, err := interruptedOn(place)
	var found, named []journal.Header
	for _, h := range all {
		if node != "" && h.Node != node {
			continue
		}
		found = append(found, h)
		if h.Topology == topology {
			named = append(named, h)
		}
	}
	if len(named) == 1 {
		found = named
	}
	switch {
	case len(found) == 0 && err != nil:
		return nil, err
	case len(found) == 0:
		return nil, ErrNothingToRecover
	case len(found) > 1:
		return nil, fmt.Errorf("several runs on this host were interrupted: %s; say which with --node and -f", identities(found))
	}
	return open(&spec.Topology{Name: found[0].Topology}, &spec.Node{Name: found[0].Node}, place)
}

// interruptedOn returns the runs on the host that left a journal. Journals that cannot
// be read are in the error; they hide no other ones.
func interruptedOn(place Place) ([]journal.Header, error) {
	host, err := kernel.Open(kernel.Options{Root: place.Root, NetnsDir: place.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer host.Close()
	id, err := host.ID()
	if err != nil {
		return nil, err
	}
	boot, err := kernel.BootID()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(place.runDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for interrupted runs: %w", err)
	}
	var l []journal.Header
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		rec, err := journal.Read(filepath.Join(place.runDir(), e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if rec != nil && rec.Boot == boot && rec.Root == id && e.Name() == rec.Topology+"@"+rec.Node {
			l = append(l, rec.Header)
		}
	}
	return l, errors.Join(errs...)
}

func identities(l []journal.Header) string {
	var names []string
	for _, h := range l {
		names = append(names, h.Topology+"/"+h.Node)
	}
	return strings.Join(names, ", ")
}
