package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// device is the overlay device that the program has made, for others to make likewise;
// the zero device is none.
type device struct {
	name, make string
	address    string
}

// objects are what the program has made for the peers, in files for each of the others.
type objects struct {
	device device
	n      int    // how many
	floor  string // for the floor and the library; its head says how it reads
	ip     string // for ip -batch
	bridge string // for bridge -batch; "": nothing
}

// link, entry and way are what iproute2 says of a link, a neighbour or FDB entry, and a route.
type link struct {
	Name string `json:"ifname"`
	MTU  int    `json:"mtu"`
	MAC  string `json:"address"`
	Info struct {
		Data struct {
			ID    int    `json:"id"`
			Local string `json:"local"`
			Port  int    `json:"port"`
		} `json:"info_data"`
	} `json:"linkinfo"`
	Addresses []struct {
		Family string `json:"family"`
		Local  string `json:"local"`
		Bits   int    `json:"prefixlen"`
	} `json:"addr_info"`
}

type entry struct {
	Dst string `json:"dst"`
	MAC string `json:"lladdr"`
	Row string `json:"mac"`
}

type way struct {
	Dst     string   `json:"dst"`
	Via     string   `json:"gateway"`
	Dev     string   `json:"dev"`
	Metric  int      `json:"metric"`
	Flags   []string `json:"flags"`
	Nexthop int      `json:"nhid"`
}

// said decodes what a command of iproute2 prints as JSON.
func (h *host) said(ctx context.Context, to any, name, args string) error {
	b, err := exec.CommandContext(ctx, name, append([]string{"-n", h.netns, "-j"}, strings.Fields(args)...)...).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, args, err)
	}
	return json.Unmarshal(b, to)
}

// harvest reads what the program has made on the host, so that the others make the same.
// Routes are as in the file; plain says without their metrics. The order is one peer
// after the other: the FDB's memory comes in pieces that way, as the program does it.
func (h *host) harvest(ctx context.Context, backend string, peers int, plain bool) (*objects, error) {
	dev, err := h.device(ctx, backend)
	if err != nil {
		return nil, err
	}
	var routes []way
	if err := h.said(ctx, &routes, "ip", "route show proto 157"); err != nil {
		return nil, err
	}
	macs, rows, err := h.entries(ctx, backend, dev.name)
	if err != nil {
		return nil, err
	}
	var floor, ip, bridge strings.Builder
	o := &objects{device: dev}
	for _, r := range routes {
		dst, err := netip.ParsePrefix(r.Dst)
		if err != nil || r.Via == "" || r.Nexthop != 0 {
			return nil, fmt.Errorf("the route to %s is not one to a gateway", r.Dst)
		}
		if backend == "vxlan" {
			mac := macs[r.Via]
			if mac == "" || rows[mac] == "" {
				return nil, fmt.Errorf("gateway %s has no neighbour or no FDB entry", r.Via)
			}
			fmt.Fprintf(&floor, "neighbour %s %s %s\nfdb %s %s %[3]s\n", r.Via, mac, dev.name, mac, rows[mac])
			fmt.Fprintf(&ip, "neighbour add %s lladdr %s dev %s nud permanent protocol 157\n", r.Via, mac, dev.name)
			fmt.Fprintf(&bridge, "fdb add %s dev %s dst %s self permanent\n", mac, dev.name, rows[mac])
			o.n += 2
		}
		onlink, word := 0, ""
		if strings.Contains(strings.Join(r.Flags, " "), "onlink") {
			onlink, word = 1, " onlink"
		}
		if plain {
			r.Metric = 0
		}
		fmt.Fprintf(&floor, "route %s %d %s %s %d %d\n", dst.Addr(), dst.Bits(), r.Via, r.Dev, r.Metric, onlink)
		fmt.Fprintf(&ip, "route add %s via %s dev %s%s metric %d proto 157\n", dst, r.Via, r.Dev, word, r.Metric)
		o.n++
	}
	if len(routes) != peers {
		return nil, fmt.Errorf("there are %d routes to %d peers", len(routes), peers)
	}
	return o, h.files(o, plain, floor.String(), ip.String(), bridge.String())
}

func (h *host) files(o *objects, plain bool, floor, ip, bridge string) (err error) {
	suffix := ""
	if plain {
		suffix = ".plain"
	}
	var errs [3]error
	o.floor, errs[0] = h.write("floor"+suffix, floor)
	o.ip, errs[1] = h.write("ip"+suffix, ip)
	if bridge != "" {
		o.bridge, errs[2] = h.write("bridge"+suffix, bridge)
	}
	return errors.Join(errs[:]...)
}

// entries are the MACs of neighbours by address, and the underlay addresses by MAC.
func (h *host) entries(ctx context.Context, backend, dev string) (macs, rows map[string]string, err error) {
	macs, rows = map[string]string{}, map[string]string{}
	if backend != "vxlan" {
		return macs, rows, nil
	}
	var neighbours, fdb []entry
	if err := h.said(ctx, &neighbours, "ip", "neighbour show dev "+dev); err != nil {
		return nil, nil, err
	}
	if err := h.said(ctx, &fdb, "bridge", "fdb show dev "+dev); err != nil {
		return nil, nil, err
	}
	for _, e := range neighbours {
		macs[e.Dst] = e.MAC
	}
	for _, e := range fdb {
		rows[e.Row] = e.Dst
	}
	return macs, rows, nil
}

// device is the overlay device that is there; of host-gw, which has none, the zero device.
func (h *host) device(ctx context.Context, backend string) (device, error) {
	if backend == "host-gw" {
		return device{}, nil
	}
	var list []link
	if err := h.said(ctx, &list, "ip", "-d address show type "+backend); err != nil {
		return device{}, err
	}
	for _, l := range list {
		for _, a := range l.Addresses {
			if a.Family != "inet" {
				continue
			}
			d, x := device{name: l.Name, address: fmt.Sprintf("%s/%d", a.Local, a.Bits)}, l.Info.Data
			d.make = fmt.Sprintf("type vxlan id %d dstport %d local %s nolearning", x.ID, x.Port, x.Local)
			if backend == "ipip" {
				d.make = "type ipip remote any local " + x.Local
			}
			return d, nil
		}
	}
	return device{}, fmt.Errorf("there is no %s device", backend)
}

// bare makes the device without its peers.
func (h *host) bare(d device) error {
	if d.name == "" {
		return nil
	}
	return errors.Join(h.ip("link add "+d.name+" "+d.make), h.ip("address add "+d.address+" dev "+d.name), h.ip("link set "+d.name+" up"))
}
