package model

// commands implements Commands: the same messages as the kernel's door sends, in the
// same order.
func (l Link) commands(s Step) []Command {
	switch {
	case s.Op == OpDelete:
		return []Command{command(l.Netns, "ip", "link", "delete", "dev", l.Name)}
	case s.Renames():
		return []Command{command(l.Netns, "ip", "link", "set", "dev", s.Before.(Link).Name, "name", l.Name)}
	case s.Op == OpUpdate:
		return l.update(s.Before.(Link))
	}
	return l.create()
}

// create makes a link by two commands: the group is the only mark that the kernel
// honours in the first one. The second end of a veth is there already.
func (l Link) create() []Command {
	if !l.Primary() {
		return l.set(Link{})
	}
	born := l
	comment := ""
	if mtu, ok := l.MTU.Get(); ok && l.Type.Value() == TypeBridge {
		born.MTU = Some(mtu ^ 1)
		comment = "a bridge's MTU follows that of its ports until somebody changes it: so it is born with another one"
	}
	args := arguments{"ip", "link", "add", "name", l.Name}
	if l.Type.Value() == TypeVeth {
		args = append(args, oneQueue()...)
	}
	args = append(args, born.bornWith()...)
	args = append(args, "type", l.Type.Value())
	args = append(args, born.typeArgs(Link{})...)
	c := command(l.Netns, args...)
	c.Comment = comment
	born.Alias, born.Master, born.Up = Opt[string]{}, Opt[string]{}, Opt[bool]{}
	return append([]Command{c}, l.set(born)...)
}

// update changes what differs, by at most two commands: the kernel refuses an MTU
// beside what only the type has.
func (l Link) update(was Link) []Command {
	var cmds []Command
	if args := l.typeArgs(was); len(args) > 0 {
		words := []string{"ip", "link", "set", "dev", l.Name, "type", l.Type.Value()}
		cmds = append(cmds, command(l.Netns, append(words, args...)...))
		was.MTU = Opt[uint32]{} // with another underlay device, the kernel has derived it anew
	}
	if l.mayFollowPorts(was) {
		was.MAC = Opt[MAC]{}
	}
	return append(cmds, l.set(was)...)
}

// mayFollowPorts says whether a bridge is taken over whose MAC may follow that of its
// ports. Set to what it is, it stays; to set one that stays anyway does no harm.
func (l Link) mayFollowPorts(was Link) bool {
	return l.Type.Value() == TypeBridge && was.Alias != l.Alias && l.Alias.Value() != "" && was.MAC == l.MAC
}

// set sets what any link has, as far as it differs, by one command.
func (l Link) set(was Link) []Command {
	args := arguments(Link{
		Group: differing(was.Group, l.Group), MTU: differing(was.MTU, l.MTU), MAC: differing(was.MAC, l.MAC),
	}.bornWith())
	option(&args, "alias", differing(was.Alias, l.Alias))
	switch master, ok := differing(was.Master, l.Master).Get(); {
	case ok && master == "":
		args = append(args, "nomaster")
	case ok:
		args = append(args, "master", master)
	}
	toggle(&args, differing(was.Up, l.Up), "up", "down")
	if len(args) == 0 {
		return nil
	}
	return []Command{command(l.Netns, append([]string{"ip", "link", "set", "dev", l.Name}, args...)...)}
}

// bornWith are what a link of any type can be made with.
func (l Link) bornWith() []string {
	var args arguments
	option(&args, "group", l.Group)
	option(&args, "mtu", l.MTU)
	option(&args, "address", l.MAC)
	return args
}

// oneQueue is what a veth is born with: the kernel makes no others, which it would take out of
// use at once (veth_init_queues, drivers/net/veth.c).
func oneQueue() []string { return []string{"numtxqueues", "1", "numrxqueues", "1"} }

// typeArgs are what only links of the type have, as far as it differs.
func (l Link) typeArgs(was Link) []string {
	switch l.Type.Value() {
	case TypeBridge:
		return l.Bridge.args(was.Bridge)
	case TypeVXLAN:
		return l.VXLAN.args(was.VXLAN)
	case TypeIPIP:
		return l.IPIP.args(was.IPIP)
	case TypeVeth:
		if was.Peer != l.Peer {
			return l.peerArgs()
		}
	}
	return nil
}

// peerArgs describe the other end of a veth, which is born inside its namespace.
func (l Link) peerArgs() []string {
	peer := l.Peer.Value()
	args := []string{"peer", "name", peer.Name}
	if peer.Netns != l.Netns {
		args = append(args, "netns", peer.Netns)
	}
	args = append(args, oneQueue()...)
	return append(args, Link{Group: l.Group, MTU: l.MTU}.bornWith()...)
}

func (b Bridge) args(was Bridge) []string {
	var args arguments
	toggle(&args, differing(was.STP, b.STP), "1", "0")
	if len(args) > 0 {
		return append([]string{"stp_state"}, args...)
	}
	return nil
}

func (v VXLAN) args(was VXLAN) []string {
	var args arguments
	option(&args, "id", differing(was.VNI, v.VNI))
	if local, ok := differing(was.Local, v.Local).Get(); ok && local.IsValid() {
		args = append(args, "local", local.String())
	}
	if dev := differing(was.Dev, v.Dev).Value(); dev != "" {
		args = append(args, "dev", dev)
	}
	option(&args, "dstport", differing(was.Port, v.Port))
	toggle(&args, differing(was.Learning, v.Learning), "learning", "nolearning")
	option(&args, "ttl", differing(was.TTL, v.TTL))
	option(&args, "ageing", differing(was.Ageing, v.Ageing))
	toggle(&args, differing(was.UDPCsum, v.UDPCsum), "udpcsum", "noudpcsum")
	return args
}

// args are all of a tunnel's parameters if any differs, since the kernel takes what is
// missing as its default, also in a change. iproute2 would let it carry MPLS, too.
func (i IPIP) args(was IPIP) []string {
	if i == was {
		return nil
	}
	args := arguments{"mode", "ipip", "local", anyAddr(i.Local), "remote", anyAddr(i.Remote)}
	if dev := i.Dev.Value(); dev != "" {
		args = append(args, "dev", dev)
	}
	option(&args, "ttl", i.TTL)
	toggle(&args, i.PMTUDisc, "pmtudisc", "nopmtudisc")
	return args
}
