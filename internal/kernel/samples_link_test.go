package kernel

import (
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

const sampleAlias = "netplan-overlay:classic/vm1"

// Two devices of an underlay, as foreign ones would be.
const underlayCommands = `
link add u0 address 02:00:00:00:00:01 type bridge
link set u0 mtu 1500 up
address add 192.0.2.1/24 dev u0
address add 192.0.2.2/24 dev u0
address add 2001:db8::1/64 dev u0 nodad
address add 2001:db8::2/64 dev u0 nodad
link add u1 address 02:00:00:00:00:02 type bridge
link set u1 mtu 1500 up
`

func sampleLink(netns, name, linkType string) model.Link {
	return model.Link{
		Netns: netns, Name: name, Type: some(linkType), Up: some(true), Master: some(""),
		Group: some(model.MarkGroup), Alias: some(sampleAlias),
	}
}

// with returns a copy of the link, changed.
func with(l model.Link, f func(*model.Link)) model.Link {
	f(&l)
	return l
}

// linkChanges are changes that any link can take.
func linkChanges(netns, name string) []model.Object {
	bare := model.Link{Netns: netns, Name: name}
	return []model.Object{
		with(bare, func(l *model.Link) { l.Up = some(false) }),
		with(bare, func(l *model.Link) { l.MTU = some[uint32](1300) }),
		with(bare, func(l *model.Link) { l.Alias = some("somebody else's") }),
		with(bare, func(l *model.Link) { l.Alias = some("") }),
		with(bare, func(l *model.Link) { l.Group = some[uint32](0) }),
	}
}

func withMAC(netns, name string) model.Object {
	return model.Link{Netns: netns, Name: name, MAC: some(mac("02:00:00:00:0a:0b"))}
}

func withMaster(netns, name, master string) model.Object {
	return model.Link{Netns: netns, Name: name, Master: some(master)}
}

func bridgeSamples() []sample {
	bridge := sampleLink("", "br0", model.TypeBridge)
	bridge.MTU, bridge.MAC, bridge.Bridge.STP = some[uint32](1400), some(mac("02:00:00:00:00:10")), some(false)
	return []sample{{
		name: "bridge", object: bridge, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev br0", want: map[string]string{
			"linkinfo.info_kind": "bridge", "linkinfo.info_data.stp_state": "0", "mtu": "1400",
			"address": "02:00:00:00:00:10", "ifalias": sampleAlias, "group": "157",
		}},
		changes: append(linkChanges("", "br0"), withMAC("", "br0"),
			model.Link{Name: "br0", Bridge: model.Bridge{STP: some(true)}}),
	}, {
		name: "bridge with STP in a namespace", made: []model.Object{model.Netns{Name: "blue"}}, again: syscall.EEXIST,
		object: with(bridge, func(l *model.Link) { l.Netns = "blue"; l.Bridge.STP = some(true); l.Up = some(false) }),
		shown: display{netns: "blue", command: "ip -j -d link show dev br0", want: map[string]string{
			"linkinfo.info_data.stp_state": "1", "mtu": "1400", "operstate": "DOWN",
		}},
		changes: []model.Object{model.Link{Netns: "blue", Name: "br0", Bridge: model.Bridge{STP: some(false)}}},
	}, {
		name: "bridge and nothing more", object: model.Link{Name: "br0", Type: some(model.TypeBridge)}, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev br0", want: map[string]string{"linkinfo.info_kind": "bridge", "mtu": "1500"}},
	}}
}

func vethSamples() []sample {
	blue := []model.Object{model.Netns{Name: "blue"}, model.Netns{Name: "green"}}
	// A bridge keeps its MTU, whatever its ports have, once that was changed.
	bridges := "link add br0 address 02:00:00:00:00:10 type bridge\nlink set br0 mtu 1400\nlink set br0 mtu 1500\n" +
		"link add br1 address 02:00:00:00:00:11 type bridge\nlink set br1 mtu 1400\nlink set br1 mtu 1500\n"
	host := sampleLink("", "veth1", model.TypeVeth)
	host.MTU, host.MAC, host.Master = some[uint32](1450), some(mac("02:00:00:00:00:20")), some("br0")
	host.Peer = some(model.EndRef{Netns: "blue", Name: "eth0"})
	guest := sampleLink("blue", "eth0", model.TypeVeth)
	guest.MTU, guest.MAC, guest.Peer = some[uint32](1450), some(mac("02:00:00:00:00:21")), some(model.EndRef{Name: "veth1"})
	far := with(guest, func(l *model.Link) { l.Peer = some(model.EndRef{Netns: "green", Name: "eth0"}) })
	near := with(host, func(l *model.Link) { l.Master, l.Peer = some(""), some(model.EndRef{Name: "veth2"}) })
	return []sample{{
		name: "veth to a namespace", commands: bridges, made: blue, object: host, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev veth1", want: map[string]string{
			"linkinfo.info_kind": "veth", "master": "br0", "mtu": "1450", "ifalias": sampleAlias, "linkinfo.info_slave_kind": "bridge",
		}},
		changes: append(linkChanges("", "veth1"), withMAC("", "veth1"), withMaster("", "veth1", ""), withMaster("", "veth1", "br1")),
	}, {
		name: "veth's second end", commands: bridges, made: append(blue, host), object: guest,
		shown: display{netns: "blue", command: "ip -j -d link show dev eth0", want: map[string]string{
			"linkinfo.info_kind": "veth", "mtu": "1450", "ifalias": sampleAlias, "group": "157", "operstate": "UP", "address": "02:00:00:00:00:21",
		}},
		changes: append(linkChanges("blue", "eth0"), withMAC("blue", "eth0")),
	}, {
		name: "veth between namespaces", made: blue, object: far, again: syscall.EEXIST,
		shown: display{netns: "green", command: "ip -j -d link show dev eth0", want: map[string]string{
			"linkinfo.info_kind": "veth", "mtu": "1450", "group": "157",
		}},
		changes: linkChanges("blue", "eth0"),
	}, {
		name: "veth within a namespace", object: near, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev veth2", want: map[string]string{"link": "veth1", "group": "157"}},
	}}
}

func tunnelSamples() []sample {
	return append(vxlanSamples(), ipipSamples()...)
}

func vxlanSamples() []sample {
	v4 := sampleLink("", "vx4", model.TypeVXLAN)
	v4.MTU, v4.MAC = some[uint32](1400), some(mac("02:00:00:00:00:30"))
	v4.VXLAN = model.VXLAN{
		VNI: some[uint32](4242), Port: some[uint16](8472), Local: someAddr("192.0.2.1"), Dev: some("u0"),
		Learning: some(false), TTL: some[uint8](7), Ageing: some[uint32](120), UDPCsum: some(true),
	}
	v6 := with(v4, func(l *model.Link) { l.Name = "vx6"; l.VXLAN.Local = someAddr("2001:db8::1") })
	change := func(name string, v model.VXLAN) model.Object { return model.Link{Name: name, VXLAN: v} }
	changes := func(name, local string) []model.Object {
		return append(linkChanges("", name), withMAC("", name), withMaster("", name, "u1"),
			change(name, model.VXLAN{Local: someAddr(local)}),
			change(name, model.VXLAN{Dev: some("u1")}),
			change(name, model.VXLAN{Learning: some(true)}), change(name, model.VXLAN{TTL: some[uint8](0)}),
			change(name, model.VXLAN{TTL: some[uint8](255)}), change(name, model.VXLAN{Ageing: some[uint32](300)}))
	}
	return []sample{{
		name: "vxlan over IPv4", commands: underlayCommands, object: v4, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev vx4", want: map[string]string{
			"linkinfo.info_data.id": "4242", "linkinfo.info_data.port": "8472", "linkinfo.info_data.local": "192.0.2.1",
			"linkinfo.info_data.link": "u0", "linkinfo.info_data.learning": "false", "linkinfo.info_data.ttl": "7",
			"linkinfo.info_data.ageing": "120", "linkinfo.info_data.udp_csum": "true", "mtu": "1400", "address": "02:00:00:00:00:30",
		}},
		changes: append(changes("vx4", "192.0.2.2"), change("vx4", model.VXLAN{Local: someAddr("")})),
	}, {
		name: "vxlan over IPv6", commands: underlayCommands, object: v6, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev vx6", want: map[string]string{
			"linkinfo.info_data.local6": "2001:db8::1", "linkinfo.info_data.link": "u0", "mtu": "1400",
		}},
		changes: changes("vx6", "2001:db8::2"),
	}, {
		name: "vxlan and as little as can be", again: syscall.EEXIST,
		object: model.Link{Name: "vx4", Type: some(model.TypeVXLAN), VXLAN: model.VXLAN{
			VNI: some[uint32](1), Port: some[uint16](4789), Local: someAddr(""), Dev: some(""), UDPCsum: some(false), Learning: some(true),
		}},
		shown: display{command: "ip -j -d link show dev vx4", want: map[string]string{
			"linkinfo.info_data.id": "1", "linkinfo.info_data.port": "4789", "linkinfo.info_data.udp_csum": "false",
			"linkinfo.info_data.learning": "true", "linkinfo.info_data.local": "",
		}},
		changes: []model.Object{change("vx4", model.VXLAN{Local: someAddr("192.0.2.2")})},
	}}
}

func ipipSamples() []sample {
	multi := sampleLink("", "tun1", model.TypeIPIP)
	multi.MTU = some[uint32](1400)
	multi.IPIP = model.IPIP{
		Local: someAddr("192.0.2.1"), Remote: someAddr(""), Dev: some("u0"), TTL: some[uint8](0), PMTUDisc: some(true),
	}
	one := with(multi, func(l *model.Link) {
		l.IPIP.Remote, l.IPIP.Dev, l.IPIP.TTL = someAddr("192.0.2.9"), some(""), some[uint8](9)
	})
	change := func(i model.IPIP) model.Object { return model.Link{Name: "tun1", IPIP: i} }
	changes := slices.Concat(linkChanges("", "tun1"), []model.Object{
		change(model.IPIP{Local: someAddr("192.0.2.2")}), change(model.IPIP{Dev: some("u1")})})
	return []sample{{
		name: "ipip multipoint", linkType: model.TypeIPIP, commands: underlayCommands, object: multi, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev tun1", want: map[string]string{
			"linkinfo.info_kind": "ipip", "linkinfo.info_data.local": "192.0.2.1", "linkinfo.info_data.remote": "any",
			"linkinfo.info_data.link": "u0", "linkinfo.info_data.pmtudisc": "true", "mtu": "1400",
		}},
		changes: append(slices.Clip(changes), change(model.IPIP{Dev: some("")}), change(model.IPIP{TTL: some[uint8](64)}),
			change(model.IPIP{PMTUDisc: some(false)})),
	}, {
		name: "ipip to a peer", linkType: model.TypeIPIP, commands: underlayCommands, object: one, again: syscall.EEXIST,
		shown: display{command: "ip -j -d link show dev tun1", want: map[string]string{
			"linkinfo.info_data.remote": "192.0.2.9", "linkinfo.info_data.ttl": "9", "mtu": "1400",
		}},
		changes: append(slices.Clip(changes), change(model.IPIP{Remote: someAddr("192.0.2.8")}), change(model.IPIP{TTL: some[uint8](0)})),
	}}
}
