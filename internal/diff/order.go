package diff

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ranked is an entry with its place in the order of creation.
type ranked struct {
	model.Entry
	key   model.Key
	stage int
	depth int // among the links: how many links must be there before
}

// inOrder sorts entries so that each comes after what it needs: namespaces and
// their sysctls, then links, what is set on links, and last what leads packets
// through them, peer by peer. There are about n of them. The order depends on nothing but the entries.
func inOrder(entries iter.Seq[model.Entry], n int) []model.Entry {
	l := make([]ranked, 0, n)
	links := map[model.Key]model.Object{}
	for e := range entries {
		key := e.Object.Key()
		l = append(l, ranked{Entry: e, key: key, stage: stage(e.Object)})
		if key.Kind == model.KindLink {
			links[key] = e.Object
		}
	}
	depths := map[model.Key]int{}
	for i := range l {
		if l[i].key.Kind == model.KindLink {
			l[i].depth = depth(l[i].key, links, depths)
		}
	}
	slices.SortFunc(l, compareRanked)
	out := make([]model.Entry, len(l))
	for i := range l {
		out[i] = l[i].Entry
	}
	return out
}

func compareRanked(a, b ranked) int {
	if a.stage != b.stage {
		return cmp.Compare(a.stage, b.stage)
	}
	if a.depth != b.depth {
		return cmp.Compare(a.depth, b.depth)
	}
	if c := strings.Compare(a.Intent, b.Intent); c != 0 {
		return c
	}
	return a.key.Compare(b.key)
}

// stage is the coarse order of kinds; no object needs one of a later stage. The
// sysctls of a device come before those of all: the kernel purges the default
// routes learnt from router advertisements when forwarding is switched on, but on
// devices that have accept_ra 2 by then (rt6_purge_dflt_routers, net/ipv6/route.c).
func stage(o model.Object) int {
	switch o := o.(type) {
	case model.Netns:
		return 0
	case model.Sysctl:
		return sysctlStage(o)
	case model.Link:
		return linkStage
	case model.Address:
		return 5
	}
	return 6
}

// linkStage is the stage of links.
const linkStage = 2

func sysctlStage(s model.Sysctl) int {
	switch {
	case strings.Contains(s.Name, ".default."):
		return 1 // what links made later are born with
	case s.Device() != "":
		return 3
	}
	return 4
}

// depth returns how many of links stand below the link with the key.
func depth(key model.Key, links map[model.Key]model.Object, known map[model.Key]int) int {
	if d, ok := known[key]; ok {
		return d
	}
	known[key] = 0 // ends a circle, which the kernel could not have made either
	d := 0
	for _, n := range links[key].Needs() {
		if _, ok := links[n.Key]; ok {
			d = max(d, depth(n.Key, links, known)+1)
		}
	}
	known[key] = d
	return d
}
