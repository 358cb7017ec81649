package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// inherited returns a link that is made again with the MAC that it had, unless the file
// says another one: its neighbours know that, and would send to a stranger for up to
// 40 s, until they doubt it (base_reachable_time_ms and delay_first_probe_time, arp(7)).
func inherited(o, from model.Object) model.Object {
	l, ok := o.(model.Link)
	was, same := from.(model.Link)
	if !ok || !same || l.MAC.IsSet() || l.Type.Value() != was.Type.Value() {
		return o
	}
	l.MAC = was.MAC
	return l
}
