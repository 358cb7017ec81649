package diff

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ranked is an entry of a stage before the last one, with its place in the order of creation.
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
	l := slices.AppendSeq(make([]model.Entry, 0, n), entries)
	putInOrder(l)
	return l
}

// putInOrder is inOrder for entries that are in a list already.
func putInOrder(l []model.Entry) {
	before := 0 // the last stage
	for i, e := range l {
		if stage(e.Object) < lastStage {
			l[before], l[i] = e, l[before]
			before++
		}
	}
	rank(l[:before])
	leading := l[before:]
	first := numbers(leading)
	rearrange(leading, inRuns(len(leading), func(i, j int32) int {
		if first != nil && first[i] != first[j] {
			return cmp.Compare(first[i], first[j])
		}
		return compareLeading(&leading[i], &leading[j])
	}))
}

// rank sorts entries of the stages before the last one.
func rank(entries []model.Entry) {
	l := make([]ranked, len(entries))
	links := map[model.Key]model.Object{}
	for i, e := range entries {
		l[i] = ranked{Entry: e, key: e.Object.Key(), stage: stage(e.Object)}
		if l[i].key.Kind == model.KindLink {
			links[l[i].key] = e.Object
		}
	}
	depths := map[model.Key]int{}
	for i := range l {
		if l[i].key.Kind == model.KindLink {
			l[i].depth = depth(l[i].key, links, depths)
		}
	}
	slices.SortFunc(l, compareRanked)
	for i := range l {
		entries[i] = l[i].Entry
	}
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

// compareLeading is compareRanked in the last stage.
func compareLeading(a, b *model.Entry) int {
	if c := strings.Compare(a.Intent, b.Intent); c != 0 {
		return c
	}
	return model.CompareKeys(a.Object, b.Object)
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
	return lastStage
}

const (
	linkStage = 2 // of links
	lastStage = 6 // of what leads packets to peers, of which there may be very many
)

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
