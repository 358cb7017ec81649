package reconcile

import (
	"path/filepath"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Look opens the host as that of a node of which no topology is at hand, to read it; the
// zero Identity is nobody's. The caller closes it.
func (p Place) Look(id model.Identity) (*kernel.Host, error) {
	o := kernel.Options{Root: p.Root, NetnsDir: p.NetnsDir}
	if id != (model.Identity{}) {
		name := id.Topology + "@" + id.Node
		if err := kernel.CheckComponent(name); err != nil {
			return nil, err
		}
		o.StateDir = filepath.Join(p.runDir(), name)
	}
	return kernel.Open(o)
}
