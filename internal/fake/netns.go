package fake

import (
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func (k *Kernel) createNetns(n model.Netns) error {
	if k.hasNetns(n.Name) {
		return syscall.EEXIST
	}
	k.put(n)
	return nil
}

// dropInside takes down what is in a namespace; veths go with both ends.
func (k *Kernel) dropInside(netns string) {
	for key := range k.objects {
		if key.Netns == netns && netns != "" {
			k.drop(key)
		}
	}
}
