package review

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// alike says whether two versions of a node ask for the same: where things stand in the
// file, how they were derived, and what makes no object, doesn't count.
func alike(a, b *spec.Node) bool {
	return a.Name == b.Name && a.Interface == b.Interface && slices.Equal(a.Addresses, b.Addresses) && a.Brief == b.Brief &&
		alikeOverlays(&a.Overlay, &b.Overlay) &&
		equal(a.Bridges, b.Bridges, alikeBridges) && equal(a.Namespaces, b.Namespaces, alikeNamespaces)
}

func alikeOverlays(a, b *spec.Overlay) bool {
	return a.Device == b.Device && a.MAC == b.MAC && slices.Equal(a.Addresses, b.Addresses) && a.MTU == b.MTU && a.Explicit == b.Explicit
}

func alikeBridges(a, b *spec.Bridge) bool {
	return a.Name == b.Name && slices.Equal(a.Addresses, b.Addresses) && a.MTU == b.MTU && a.MAC == b.MAC && a.Overlay == b.Overlay
}

func alikeNamespaces(a, b *spec.Namespace) bool {
	return a.Name == b.Name && equal(a.Interfaces, b.Interfaces, alikeInterfaces) &&
		equal(a.Routes, b.Routes, alikeRoutes) && equal(a.Sysctls, b.Sysctls, alikeSysctls)
}

func alikeInterfaces(a, b *spec.Interface) bool {
	return a.Name == b.Name && a.Bridge == b.Bridge && slices.Equal(a.Addresses, b.Addresses) &&
		a.MAC == b.MAC && a.Host == b.Host && a.MTU == b.MTU
}

func alikeRoutes(a, b *spec.Route) bool {
	return a.To == b.To && a.Via == b.Via && a.Dev == b.Dev && a.Metric == b.Metric
}

func alikeSysctls(a, b *spec.Sysctl) bool { return a.Name == b.Name && a.Value == b.Value }

// equal is slices.EqualFunc for elements that are too large to be copied for it.
func equal[T any](a, b []T, same func(a, b *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(&a[i], &b[i]) {
			return false
		}
	}
	return true
}
