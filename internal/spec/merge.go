package spec

// merger joins the trees of several files. The maps nodes, defaults and those below
// defaults merge by key; apiVersion may stand in each file; any other key may stand in
// one of them only.
type merger struct {
	*decoder
	maps map[uint32]*merged // by the cell of the first file's map
}

// merged is a map that others are added to.
type merged struct {
	keys map[string]node
	last uint32 // the cell of the last key
}

func (d *decoder) merge(roots []node) node {
	if len(roots) == 1 {
		return roots[0]
	}
	first := roots[0].cell()
	d.tree.open(*d.tree.fileOf(roots[0].i)) // a cell for all, which counts as in the first file
	out := node{d.tree, d.tree.add(cell{line: first.line, column: first.column, kind: uint32(mapping)})}
	m := &merger{d, map[uint32]*merged{}}
	for _, r := range roots {
		if r.shape() != mapping {
			d.errorf(codeWrongShape, r, "", "a topology is a map, not a %s", r.shape())
			continue
		}
		m.merge(out, r, 0)
	}
	return out
}

// merge adds the entries of a map to those of another one, at a depth.
func (m *merger) merge(out, from node, depth int) {
	into := m.of(out)
	for k, v := range from.entries() {
		first, there := into.keys[k.text()]
		switch {
		case !there:
			into.keys[k.text()] = k
			k.cell().up = out.i
			m.tree.append(out.i, into.last, k.i)
			into.last = k.i
		case depth == 0 && k.text() == "apiVersion":
			m.apiVersion(v)
		case mergeable(out, k.text(), depth) && v.shape() == mapping && first.value().shape() == mapping:
			m.merge(first.value(), v, depth+1)
		default:
			m.errorf(codeKeyTwice, k, "", "the key %q is here for the second time; the first one is at %s", k.text(), first.pos())
		}
	}
	if into.last != 0 {
		m.tree.at(into.last).next = 0
	}
}

// of returns a map with what it has so far.
func (m *merger) of(out node) *merged {
	if into, ok := m.maps[out.i]; ok {
		return into
	}
	into := &merged{keys: map[string]node{}}
	for k := range out.entries() {
		into.keys[k.text()], into.last = k, k.i
	}
	m.maps[out.i] = into
	return into
}

// mergeable says whether the map of a key is made of parts from several files.
func mergeable(in node, key string, depth int) bool {
	if depth == 0 {
		return key == "nodes" || key == "defaults"
	}
	return depth == 1 && in.path() == "defaults"
}
