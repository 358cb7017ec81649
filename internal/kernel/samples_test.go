package kernel

import (
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func netnsSamples() []sample {
	return []sample{{
		name: "marked", again: syscall.EEXIST,
		object: model.Netns{Name: "blue", Alias: some(sampleAlias), LoUp: some(true)},
		shown: display{netns: "blue", command: "ip -j -d link show dev lo", want: map[string]string{
			"ifalias": sampleAlias, "operstate": "UNKNOWN",
		}},
		changes: []model.Object{
			model.Netns{Name: "blue", LoUp: some(false)},
			model.Netns{Name: "blue", Alias: some("somebody else's")},
			model.Netns{Name: "blue", Alias: some("")},
		},
	}, {
		name: "bare, with dots in its name", again: syscall.EEXIST,
		object: model.Netns{Name: "blue.example.org"},
		shown: display{netns: "blue.example.org", command: "ip -j -d link show dev lo", want: map[string]string{
			"ifalias": "", "operstate": "DOWN",
		}},
	}}
}

func sysctlSamples() []sample {
	const dotted = "net.ipv4.conf.br0/5.rp_filter"
	return []sample{{
		name:    "of the host",
		object:  model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1")},
		changes: []model.Object{model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("0")}},
	}, {
		name: "of a namespace", made: []model.Object{model.Netns{Name: "blue"}},
		object:  model.Sysctl{Netns: "blue", Name: "net.ipv6.conf.all.forwarding", Value: some("1")},
		changes: []model.Object{model.Sysctl{Netns: "blue", Name: "net.ipv6.conf.all.forwarding", Value: some("0")}},
	}, {
		name: "of a device with a dot in its name", commands: "link add br0.5 type bridge",
		object:  model.Sysctl{Name: dotted, Value: some("2")},
		changes: []model.Object{model.Sysctl{Name: dotted, Value: some("1")}},
	}, {
		name:    "with several values",
		object:  model.Sysctl{Name: "net.ipv4.ip_local_port_range", Value: some("40000 50000")},
		changes: []model.Object{model.Sysctl{Name: "net.ipv4.ip_local_port_range", Value: some("40000 50001")}},
	}}
}

func addressSamples() []sample {
	foreign := func(a model.Address) []model.Object {
		a.Protocol = some[uint8](99)
		return []model.Object{model.Address{Netns: a.Netns, Link: a.Link, Prefix: a.Prefix, Protocol: a.Protocol}}
	}
	on := func(link, p string, scope uint8) model.Address {
		return model.Address{Link: link, Prefix: prefix(p), Scope: some(scope), Protocol: some(model.MarkProtocol)}
	}
	of := func(name string, a model.Address, want map[string]string) sample {
		return sample{
			name: name, commands: underlayCommands, object: a, again: syscall.EEXIST, changes: foreign(a),
			shown: display{command: "ip -j address show dev " + a.Link + " to " + a.Prefix.Addr().String(), want: want},
		}
	}
	inside := on("lo", "10.1.2.3/32", 0)
	inside.Netns = "blue"
	return []sample{
		of("IPv4", on("u1", "172.245.0.1/24", 0), map[string]string{"addr_info.prefixlen": "24", "addr_info.scope": "global"}),
		of("IPv4 of one", on("u1", "172.245.0.0/32", 0), map[string]string{"addr_info.prefixlen": "32"}),
		of("IPv4 of scope link", on("u1", "169.254.7.7/16", 253), map[string]string{"addr_info.scope": "link"}),
		of("IPv4 secondary", on("u0", "192.0.2.3/24", 0), map[string]string{"addr_info.secondary": "true"}),
		of("IPv6", on("u1", "fd42::1/64", 0), map[string]string{"addr_info.prefixlen": "64", "addr_info.tentative": ""}),
		of("IPv6 second", on("u0", "2001:db8::3/64", 0), map[string]string{"addr_info.nodad": "true"}),
		{
			name: "in a namespace", made: []model.Object{model.Netns{Name: "blue", LoUp: some(true)}},
			object: inside, again: syscall.EEXIST, changes: foreign(inside),
			shown: display{netns: "blue", command: "ip -j address show to 10.1.2.3", want: map[string]string{"ifname": "lo"}},
		},
	}
}

// A vxlan device between whose ends nothing ever flows.
const vxlanCommands = underlayCommands + `
link add vx0 address 02:00:00:00:00:30 type vxlan id 7 dstport 8472 local 192.0.2.1 dev u0 nolearning
link set vx0 mtu 1400 up
link add vx6 address 02:00:00:00:00:31 type vxlan id 7 dstport 8472 local 2001:db8::1 dev u0 nolearning
link set vx6 mtu 1400 up
`

func fdbSamples() []sample {
	row := func(link, m, dst string) model.FDBEntry {
		return model.FDBEntry{Link: link, MAC: mac(m), Dst: someAddr(dst), State: some(model.FDBPermanent)}
	}
	of := func(name string, f model.FDBEntry) sample {
		return sample{
			name: name, commands: vxlanCommands, object: f, again: syscall.EEXIST,
			shown: display{command: "bridge -j fdb show dev " + f.Link, want: map[string]string{
				"mac": f.MAC.String(), "dst": f.Dst.Value().String(), "state": "permanent", "flags": "self",
			}},
		}
	}
	moved := func(f model.FDBEntry, dst string) []model.Object {
		return []model.Object{model.FDBEntry{Link: f.Link, MAC: f.MAC, Dst: someAddr(dst)}}
	}
	v4 := of("unicast", row("vx0", "02:00:00:00:01:01", "192.0.2.11"))
	v4.changes = moved(v4.object.(model.FDBEntry), "192.0.2.12")
	v6 := of("unicast over IPv6", row("vx6", "02:00:00:00:01:01", "2001:db8::11"))
	v6.changes = moved(v6.object.(model.FDBEntry), "2001:db8::12")
	flood := of("for all else", row("vx0", "00:00:00:00:00:00", "192.0.2.11"))
	flood.again = 0
	second := of("for all else, to another", row("vx0", "00:00:00:00:00:00", "192.0.2.12"))
	second.made, second.again = []model.Object{row("vx0", "00:00:00:00:00:00", "192.0.2.10"), flood.object}, 0
	return []sample{v4, v6, flood, second}
}

func neighbourSamples() []sample {
	of := func(name, ip, m string) sample {
		n := model.Neighbour{
			Link: "vx0", IP: addr(ip), MAC: some(mac(m)), State: some(model.NeighbourPermanent), Protocol: some(model.MarkProtocol),
		}
		return sample{
			name: name, commands: vxlanCommands, object: n,
			shown: display{command: "ip -j -d neighbour show dev vx0", want: map[string]string{
				"dst": ip, "lladdr": m, "state": "PERMANENT", "protocol": "157",
			}},
			changes: []model.Object{
				model.Neighbour{Link: "vx0", IP: n.IP, MAC: some(mac("02:00:00:00:01:02"))},
				model.Neighbour{Link: "vx0", IP: n.IP, Protocol: some[uint8](99)},
				model.Neighbour{Link: "vx0", IP: n.IP, Protocol: some[uint8](0)},
			},
		}
	}
	return []sample{
		of("IPv4", "172.246.0.0", "02:00:00:00:01:01"),
		of("IPv6", "fd42:0:0:2::", "02:00:00:00:01:01"),
	}
}
