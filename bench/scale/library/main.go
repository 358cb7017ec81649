// Command library does what others would do it with: one call of the netlink library
// that most programs use for each object, and yaml.v3 for the file. It is a module of
// its own, so that the program's go.mod shows what ships.
//
//	library objects FILE   makes what the file lists (floor.c says how)
//	library yaml FILE      reads the file into nodes, and does nothing with them
//
// It prints the nanoseconds, how many there were, and the nanoseconds of the processors.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"gopkg.in/yaml.v3"
)

func main() {
	if err := act(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "library:", err)
		os.Exit(1)
	}
}

func act(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: library objects|yaml FILE")
	}
	began := time.Now()
	var n int
	var err error
	switch args[0] {
	case "objects":
		n, err = objects(args[1])
	case "yaml":
		n, err = scan(args[1])
	default:
		err = fmt.Errorf("there is no %q", args[0])
	}
	if err != nil {
		return err
	}
	took := time.Since(began)
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return err
	}
	fmt.Println(took.Nanoseconds(), n, u.Utime.Nano()+u.Stime.Nano())
	return nil
}

// scan reads a file as far as yaml.v3 goes by itself.
func scan(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var n yaml.Node
	return len(b), yaml.Unmarshal(b, &n)
}

func objects(path string) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	devices := map[string]int{}
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		w := strings.Fields(s.Text())
		if err := object(w, devices); err != nil {
			return n, fmt.Errorf("%s: %w", s.Text(), err)
		}
	}
	return n, nil
}

const mark = 157

func object(w []string, devices map[string]int) error {
	name := w[3]
	if w[0] == "route" {
		name = w[4]
	}
	if devices[name] == 0 {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		devices[name] = l.Attrs().Index
	}
	switch index := devices[name]; w[0] {
	case "neighbour":
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT, IP: net.ParseIP(w[1]), HardwareAddr: mac(w[2]),
		})
	case "fdb":
		return netlink.NeighAppend(&netlink.Neigh{
			LinkIndex: index, Family: 7, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF, IP: net.ParseIP(w[2]), HardwareAddr: mac(w[1]),
		})
	default:
		return netlink.RouteAdd(route(w, index))
	}
}

func route(w []string, index int) *netlink.Route {
	bits, _ := strconv.Atoi(w[2]) // what the harness has written
	metric, _ := strconv.Atoi(w[5])
	r := &netlink.Route{
		LinkIndex: index, Dst: &net.IPNet{IP: net.ParseIP(w[1]).To4(), Mask: net.CIDRMask(bits, 32)},
		Gw: net.ParseIP(w[3]), Priority: metric, Protocol: mark,
	}
	if w[6] == "1" {
		r.SetFlag(netlink.FLAG_ONLINK)
	}
	return r
}

func mac(s string) net.HardwareAddr {
	m, _ := net.ParseMAC(s)
	return m
}
