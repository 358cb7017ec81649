package spec

// merge joins the trees of several files. The maps nodes, defaults and those below
// defaults merge by key; apiVersion may stand in each file; any other key may stand
// in one of them only.
func (d *decoder) merge(trees []*node) *node {
	if len(trees) == 1 {
		return trees[0]
	}
	out := &node{shape: mapping, pos: trees[0].pos}
	for _, t := range trees {
		if t.shape != mapping {
			d.errorf(codeWrongShape, t, "", "a topology is a map, not a %s", t.shape)
			continue
		}
		d.mergeInto(out, t)
	}
	return out
}

func (d *decoder) mergeInto(out, from *node) {
	at := make(map[string]int, len(out.keys))
	for i, k := range out.keys {
		at[k.text] = i
	}
	for i, k := range from.keys {
		v := from.items[i]
		j, there := at[k.text]
		switch {
		case !there:
			out.keys, out.items = append(out.keys, k), append(out.items, v)
			k.parent, v.parent = out, out
		case k.text == "apiVersion" && out.parent == nil:
			d.apiVersion(v)
		case mergeable(out, k.text) && v.shape == mapping && out.items[j].shape == mapping:
			d.mergeInto(out.items[j], v)
		default:
			d.errorf(codeKeyTwice, k, "", "the key %q is here for the second time; the first one is at %s", k.text, out.keys[j].pos)
		}
	}
}

// mergeable says whether a map below out is made of parts from several files.
func mergeable(out *node, key string) bool {
	if out.parent == nil {
		return key == "nodes" || key == "defaults"
	}
	return out.parent.parent == nil && out.step == "defaults"
}
