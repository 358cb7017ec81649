package kernel

// linkNames turns the indexes of a namespace's links into names, each once: there are as
// many routes as peers, and few links that they lead out of.
type linkNames struct {
	space *space
	known map[uint32]string
	last  uint32
	name  string
}

// names returns the names of the links, as they were listed or asked for last.
func (s *space) names() *linkNames { return &linkNames{space: s, known: map[uint32]string{}} }

// of returns the name of the link with the index, "" if there is none.
func (n *linkNames) of(index uint32) string {
	if index == n.last && n.name != "" {
		return n.name
	}
	name, ok := n.known[index]
	if !ok {
		name = n.space.linkName(index)
		n.known[index] = name
	}
	n.last, n.name = index, name
	return name
}
