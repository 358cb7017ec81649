package render

import (
	"fmt"
	"slices"
	"strings"
)

const (
	fewAlike  = 5  // so many hosts, or peers, of which the same becomes are drawn one by one
	fewWires  = 12 // so many ways between hosts are drawn as lines
	fewOthers = 6  // so many boxes, or lines, of one kind are drawn in a host of a change
)

// ChangesOf draws the plans of several nodes: only what changes, and what that is part
// of. Hosts of which the same becomes are one box, and there are about max boxes
// altogether; 0 stands for no limit.
func ChangesOf(plans []NodePlan, max int) *Drawing {
	d := &Drawing{Marked: true}
	x := &changeDrawer{Drawing: d, max: max, link: &Link{}}
	d.Links = []*Link{x.link}
	for _, p := range plans {
		if d.Title == "" {
			d.Title = p.Header.Topology
		}
		x.add(p)
	}
	x.draw()
	return d
}

// changeDrawer collects the hosts that change.
type changeDrawer struct {
	*Drawing
	max   int
	link  *Link
	hosts []likeHost
	still int // nodes that stay as they are
}

// likeHost is a host that may stand for others, too.
type likeHost struct {
	*Host
	class string // equal for hosts of which the same becomes, but for names and values
	peers string // its peersClass
	like  int    // how many it stands for
}

// add takes in the plan of a node.
func (x *changeDrawer) add(p NodePlan) {
	if p.Err != nil || p.Plan == nil {
		text := "no plan"
		if p.Err != nil {
			text += ": " + firstLine(p.Err.Error())
		}
		h := &Host{Name: p.Header.Node, Mark: Blocked, Lines: []Line{{text, Blocked}}}
		x.hosts = append(x.hosts, likeHost{Host: h, class: text, like: 1})
		return
	}
	if quiet(p.Plan) {
		x.still++
		return
	}
	h := newHostDrawer(p.Header.Node, nil)
	h.plan(p.Plan)
	x.hosts = append(x.hosts, likeHost{Host: h.Host, class: planClass(p.Plan), peers: h.peersClass(), like: 1})
}

// draw puts the hosts onto the page: those that differ first, and of what is alike some.
func (x *changeDrawer) draw() {
	boxes := 0
	for _, h := range x.some() {
		h.foldParts(fewOthers)
		n := h.boxes()
		if x.max > 0 && boxes > 0 && boxes+n > x.max {
			x.leaveOut(h.like)
			continue
		}
		boxes += n
		x.link.Hosts = append(x.link.Hosts, h.Host)
	}
	x.wire(x.max - boxes)
	if x.still > 0 {
		x.Notes = append(x.Notes, count(x.still, "host")+" without changes")
	}
}

// leaveOut counts hosts that are not drawn.
func (x *changeDrawer) leaveOut(n int) {
	x.link.More += n
	x.link.Marked += n
}

// some returns the hosts that are drawn. Where many change nothing but their ways to the
// same peers, one stands for all; where many change in the same way, some do.
func (x *changeDrawer) some() []likeHost {
	byPeers, byClass := map[string][]string{}, map[string]int{}
	for _, h := range x.hosts {
		if h.peers != "" {
			byPeers[h.peers] = append(byPeers[h.peers], h.Name)
		}
		byClass[h.class]++
	}
	first := map[string]string{} // by peersClass
	for peers, same := range byPeers {
		first[peers] = same[0]
		slices.SortFunc(same, naturally)
	}
	drawn := map[string]int{}
	var own, l []likeHost
	for _, h := range x.hosts {
		same := byPeers[h.peers]
		switch {
		case len(same) > fewAlike:
			if first[h.peers] == h.Name {
				h.Name, h.like = someNames(same, "host"), len(same)
				l = append(l, h)
			}
			continue
		case byClass[h.class] > fewAlike && drawn[h.class] == fewNames:
			x.leaveOut(1)
			continue
		case h.peers == "":
			own = append(own, h)
		default:
			l = append(l, h)
		}
		drawn[h.class]++
	}
	return append(own, l...)
}

// peersClass is equal for hosts of which the same becomes, "" for one of which more
// changes than its ways to a few peers.
func (h *Host) peersClass() string {
	if len(h.Peers) == 0 || len(h.Peers) > fewAlike || len(h.Bridges)+len(h.Namespaces)+len(h.Endpoints)+len(h.Lines) > 0 {
		return ""
	}
	var s strings.Builder
	for _, p := range h.Peers {
		fmt.Fprintf(&s, "%c%s %q ", p.Mark, p.text(), p.Name)
	}
	return s.String()
}

// boxes counts what a host takes on the page.
func (h *Host) boxes() int {
	return 1 + len(h.Endpoints) + len(h.Bridges) + len(h.Namespaces)
}

// wire draws what becomes of the ways between hosts: as lines where these are few,
// else as text in the hosts. room is for how many more boxes there is.
func (x *changeDrawer) wire(room int) {
	wires := map[[2]string]*Wire{}
	var order []*Wire
	for _, h := range x.link.Hosts {
		for _, p := range h.Peers {
			from, to := min(h.Name, p.Name), max(h.Name, p.Name)
			w := wires[[2]string{from, to}]
			if w == nil {
				w = &Wire{From: h.Name, To: p.Name}
				wires[[2]string{from, to}] = w
				order = append(order, w)
			}
			w.Mark.is(p.Mark)
			for _, kind := range p.Kinds {
				if !strings.Contains(w.Text, kind) {
					w.Text = joined(", ", w.Text, kind)
				}
			}
		}
	}
	if len(order) > fewWires || x.max > 0 && len(order) > max(room, 0) {
		return
	}
	for _, w := range order {
		x.Wires = append(x.Wires, *w)
	}
}
