package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Marks returns for whom the host has something: by its links, or else, where they tell
// nothing, by the namespaces.
func Marks(ctx context.Context, h Host) ([]model.Identity, error) {
	links, _, err := root(ctx, h)
	if err != nil {
		return nil, err
	}
	var aliases []string
	for _, l := range links {
		aliases = append(aliases, l.Alias.Value())
	}
	if l := identities(aliases); len(l) > 0 {
		return l, nil
	}
	all, err := h.Netns(ctx)
	if err != nil {
		return nil, fmt.Errorf("observe: %w", err)
	}
	aliases = nil
	for _, n := range all {
		aliases = append(aliases, n.Alias.Value())
	}
	return identities(aliases), nil
}

func identities(aliases []string) []model.Identity {
	slices.Sort(aliases)
	var l []model.Identity
	for _, a := range slices.Compact(aliases) {
		if id, ok := model.ParseAlias(a); ok {
			l = append(l, id)
		}
	}
	return l
}
