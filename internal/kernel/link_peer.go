package kernel

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// elsewhere is the other end of a veth that is in no namespace we know.
var elsewhere = model.EndRef{Netns: model.UnknownNetns, Name: "?"}

// peerFinder names the other ends of veths, and what links stand on. The kernel tells an end's index and its
// namespace's ID, which each namespace counts for itself, and hands out lazily
// (RTM_GETNSID, net/core/net_namespace.c): it is never kept.
type peerFinder struct {
	h     *Host
	dumps map[string][]*rawLink       // by the namespace's name
	ids   map[string]map[int32]string // namespaces by the ID that a namespace has for them
	met   map[end]met                 // ends in other namespaces whose other ends were looked at before
}

// end is a link in a namespace that has a name.
type end struct {
	netns string
	index uint32
}

// met is the other end of an end.
type met struct {
	model.EndRef
	index uint32
}

func newPeerFinder(h *Host, dumps map[string][]*rawLink) *peerFinder {
	return &peerFinder{h: h, dumps: dumps, ids: map[string]map[int32]string{}, met: map[end]met{}}
}

// find names the other end of a veth in netns. Each of two ends tells the other: of a
// thousand veths to namespaces, those in the root are asked for, and the rest is known.
func (f *peerFinder) find(netns string, r *rawLink) model.EndRef {
	if m, ok := f.met[end{netns, r.index}]; ok && m.index == r.peer && r.nsid != noNetns {
		return m.EndRef
	}
	peer, ok := f.locate(netns, r)
	if !ok {
		return elsewhere
	}
	if peer.Netns == netns {
		return peer
	}
	f.met[end{peer.Netns, r.peer}] = met{model.EndRef{Netns: netns, Name: r.link.Name}, r.index}
	return peer
}

// locate names the link that one in netns tells as the other end, or as what it stands on.
func (f *peerFinder) locate(netns string, r *rawLink) (model.EndRef, bool) {
	ns, ok := netns, r.nsid != noNetns
	if r.nsid >= 0 {
		ns, ok = f.namespace(netns, r.nsid)
	}
	if !ok {
		return model.EndRef{}, false
	}
	name, ok := nameIn(f.dumps[ns], r.peer)
	if !ok {
		name, ok = f.lookUp(ns, r.peer)
	}
	return model.EndRef{Netns: ns, Name: name}, ok
}

// namespace names the namespace that netns knows by the ID.
func (f *peerFinder) namespace(netns string, id int32) (string, bool) {
	known, ok := f.ids[netns]
	if !ok {
		known = map[int32]string{}
		f.ids[netns] = known
		f.ask(netns, "") // mostly it is the root that the others look at
	}
	name, ok := known[id]
	if ok {
		return name, true
	}
	others := f.h.names()
	f.h.openAhead(others)
	for _, other := range others {
		f.ask(netns, other)
	}
	name, ok = known[id]
	if !ok {
		known[id] = "?" // not asked for again
	}
	return name, ok && name != "?"
}

// ask learns the ID that netns has for another namespace.
func (f *peerFinder) ask(netns, other string) {
	if netns == other {
		return
	}
	from, err := f.h.space(netns)
	if err != nil {
		return
	}
	to, err := f.h.space(other)
	if err != nil {
		return
	}
	file := to.file
	if file == nil {
		if file, err = os.Open(ownNetns); err != nil {
			return
		}
		defer file.Close()
	}
	known := f.ids[netns]
	m := newMessage(unix.RTM_GETNSID, 0, make([]byte, unix.SizeofRtGenmsg)).u32(unix.NETNSA_FD, uint32(file.Fd()))
	body, err := from.conn.get(m)
	if err != nil {
		return
	}
	for typ, v := range attributes(after(body, unix.SizeofRtGenmsg)) {
		id := int32(readU32(v))
		if _, ok := known[id]; typ == unix.NETNSA_NSID && id >= 0 && !ok {
			known[id] = other // the root keeps its name, whatever else it is called
		}
	}
}

// lookUp asks for the name of one link, in a namespace that was not listed.
func (f *peerFinder) lookUp(netns string, index uint32) (string, bool) {
	s, err := f.h.space(netns)
	if err != nil {
		return "", false
	}
	name := s.linkName(index)
	return name, name != ""
}
