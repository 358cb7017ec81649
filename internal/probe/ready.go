package probe

import (
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Ready returns why the host is not ready, as far as that depends on its peers, in the
// words of the topology's probe.ready: nil also where nobody is probed.
func (e *Engine) Ready() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var bad *peer
	up := 0
	for _, p := range e.peers {
		switch {
		case p.state == status.Up:
			up++
		case bad == nil || p.state == status.Down && bad.state != status.Down:
			bad = p
		}
	}
	switch {
	case bad == nil:
		return nil
	case e.settings.Ready == spec.ReadyAny && up == 0:
		return fmt.Errorf("none of %d probed addresses is up; %s is %s (probe.ready is any)", len(e.peers), bad.name(), bad.state)
	case e.settings.Ready == spec.ReadyAll:
		return fmt.Errorf("%d of %d probed addresses are up; %s is %s (probe.ready is all)", up, len(e.peers), bad.name(), bad.state)
	}
	return nil
}

// name is the peer's for people.
func (p *peer) name() string {
	if p.Namespace != "" {
		return fmt.Sprintf("%s/%s (%s)", p.Node, p.Namespace, p.Addr)
	}
	return fmt.Sprintf("%s (%s)", p.Node, p.Addr)
}
