package model

import "fmt"

// commands implements Commands. What is there is replaced: an entry that the kernel
// learnt from traffic is nobody's.
func (n Neighbour) commands(s Step) []Command {
	removal := command(n.Netns, "ip", "neighbour", "delete", n.IP.String(), "dev", n.Link)
	if s.Op == OpDelete {
		return []Command{removal}
	}
	args := arguments{"ip", "neighbour", "replace", n.IP.String()}
	option(&args, "lladdr", n.MAC)
	args = append(args, "dev", n.Link, "nud", nudString(n.State.Or(NeighbourPermanent)))
	option(&args, "protocol", n.Protocol)
	l := []Command{command(n.Netns, args...)}
	if was, ok := s.Before.(Neighbour); ok && was.Protocol.Value() != 0 && n.Protocol == Some[uint8](0) {
		l = append([]Command{removal}, l...) // the kernel takes protocol 0 as "leave it"
	}
	return l
}

func nudString(state uint16) string {
	if state == NeighbourPermanent {
		return "permanent"
	}
	return fmt.Sprintf("%#x", state)
}
