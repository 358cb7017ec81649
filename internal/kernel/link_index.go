package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// linkIndex returns the index of the link with the name, which may be one that the
// namespace was asked for before.
func (s *space) linkIndex(name string) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freshen()
	if i, ok := s.index[name]; ok {
		return i, nil
	}
	r, err := s.link(name)
	if err != nil {
		return 0, err
	}
	s.know(name, r.index)
	return r.index, nil
}

// find is linkIndex with an error that names the link.
func (s *space) find(name string) (uint32, error) {
	i, err := s.linkIndex(name)
	return i, opError("find", model.Link{Netns: s.netns, Name: name}, err)
}

// setIndexes notes the indexes of all links. Others make links, too, and may make one
// again under a name that we knew.
func (s *space) setIndexes(l []*rawLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freshen()
	s.index, s.nameOf = make(map[string]uint32, len(l)), make(map[uint32]string, len(l))
	for i := range l {
		s.know(l[i].link.Name, l[i].index)
	}
}

// linkName returns the name of the link with the index, "" if there is none.
func (s *space) linkName(index uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freshen()
	if name, ok := s.nameOf[index]; ok {
		return name
	}
	body, err := s.conn.get(newMessage(unix.RTM_GETLINK, 0, ifinfo(index, 0, 0)).u32(unix.IFLA_EXT_MASK, skipStats))
	if err != nil {
		return ""
	}
	r, ok := parseLink(body)
	if ok {
		s.know(r.link.Name, index)
	}
	return r.link.Name
}

// know notes a link's index. Called with mu held, as are the others below.
func (s *space) know(name string, index uint32) {
	s.index[name], s.nameOf[index] = index, name
}

// freshen throws away what was known before links went.
func (s *space) freshen() {
	if now := s.changes.Load(); s.as != now {
		s.as = now
		clear(s.index)
		clear(s.nameOf)
	}
}

// unknow forgets the index of a link that is made anew.
func (s *space) unknow(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.index[name]; ok {
		delete(s.index, name)
		delete(s.nameOf, i)
	}
}

// forgetIndexes must follow every deletion of links, and every change of a name: others
// may go along, in whatever namespace.
func (h *Host) forgetIndexes() { h.changes.Add(1) }
