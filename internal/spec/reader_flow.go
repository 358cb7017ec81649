package spec

// flow reads a map or a list in brackets, or a scalar in one.
func (r *reader) flow(up uint32, index, depth int) (uint32, bool) {
	if depth > maxDepth {
		return 0, false
	}
	switch r.text[r.at] {
	case '{':
		m := r.add(up, mapping, index)
		r.at++
		return m, r.flowMap(m, depth)
	case '[':
		l := r.add(up, list, index)
		r.at++
		return l, r.flowList(l, depth)
	}
	s, ok := r.scalar(true)
	if !ok || s.key {
		return 0, false
	}
	i := r.put(s, up, index)
	r.at = s.end
	return i, true
}

func (r *reader) flowMap(m uint32, depth int) bool {
	keys := keySet{tree: r.tree, of: m}
	for {
		if !r.flowSpace() {
			return false
		}
		if r.text[r.at] == '}' {
			r.at++
			return true
		}
		s, ok := r.scalar(true)
		if !ok || !s.key || depth >= maxDepth || keys.first(r.text[s.from:s.to]) != 0 {
			return false
		}
		k := r.put(s, m, 0)
		r.at = s.end + 1
		keys.add(k)
		if !r.flowSpace() || !r.flowValue(k, depth+1) || !r.flowNext('}') {
			return false
		}
	}
}

// flowValue reads the value of a key. Where there is none, it counts as standing at what
// comes next.
func (r *reader) flowValue(k uint32, depth int) bool {
	if c := r.text[r.at]; c != ',' && c != '}' {
		_, ok := r.flow(k, 0, depth)
		return ok
	}
	i := r.add(k, scalar, 0)
	r.tree.at(i).kind |= nullBit
	return true
}

func (r *reader) flowList(l uint32, depth int) bool {
	last := uint32(0)
	for index := 0; ; index++ {
		if !r.flowSpace() {
			return false
		}
		if r.text[r.at] == ']' {
			r.at++
			return true
		}
		i, ok := r.flow(l, index, depth+1)
		if !ok || !r.flowNext(']') {
			return false
		}
		r.tree.append(l, last, i)
		last = i
	}
}

// flowNext goes across the comma behind an entry, or stops at the end of the map or list.
func (r *reader) flowNext(end byte) bool {
	if !r.flowSpace() {
		return false
	}
	if r.text[r.at] == ',' {
		r.at++
		return true
	}
	return r.text[r.at] == end
}

// flowSpace goes to what comes next, which may be in another line; it must be something.
func (r *reader) flowSpace() bool {
	for {
		blank := r.spaces()
		switch {
		case r.at == len(r.text):
			return false
		case r.text[r.at] == '\n':
			r.newLine()
		case r.text[r.at] == '#':
			if !blank && r.at > r.start || !r.comment() {
				return false
			}
		default:
			return true
		}
	}
}
