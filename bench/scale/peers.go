package main

import (
	"bufio"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// scripts run the peers as their services would.
//
//go:embed peers
var scripts embed.FS

// networkdMost is how many FDB entries systemd-networkd takes for a device; with more, it
// takes none (STATIC_BRIDGE_FDB_ENTRIES_PER_NETWORK_MAX, systemd's
// src/network/networkd-bridge-fdb.c).
const networkdMost = 1024

// distributionMost is with how many peers others are measured.
const distributionMost = 5000

// others lets the peers of the distribution make the objects that it can make.
func (s *overlay) others(ctx context.Context, runs int) error {
	if s.peers > distributionMost {
		return nil
	}
	for _, name := range []string{"networkd.sh", "netplan.sh", "ifupdown2.sh"} {
		b, err := scripts.ReadFile("peers/" + name)
		if err != nil {
			return err
		}
		if _, err := s.write(name, string(b)); err != nil {
			return err
		}
	}
	if err := cmp.Or(s.networkd(ctx, runs), s.netplan(ctx, runs)); err != nil {
		return err
	}
	if s.backend != "vxlan" || s.peers > 1000 {
		return nil // a process an object: a minute for 1,000 peers
	}
	return s.ifupdown2(ctx)
}

// attempts are how often a peer may fail: systemd-networkd 252 does at times, with
// "Numerical result out of range" on a machine that is busy.
const attempts = 3

// notReady is the exit code of a script whose peer has taken too long.
const notReady = 4

// peer runs a script of a peer, which prints its nanoseconds and how many routes it has
// made. The host is put back afterwards.
func (s *overlay) peer(ctx context.Context, name, script string, args ...string) error {
	var why error
	for range attempts {
		var x sample
		x, why = s.peerOnce(ctx, script, args...)
		if err := cmp.Or(ctx.Err(), s.cleared(ctx)); err != nil {
			return err
		}
		if why == nil {
			s.add(name, x)
			return nil
		}
		var exit *exec.ExitError
		if errors.As(why, &exit) && exit.ExitCode() == notReady {
			break
		}
	}
	s.results.leave("%s, %s with %d peers: %s", name, s.backend, s.peers, lastLine(why))
	return nil
}

func (s *overlay) peerOnce(ctx context.Context, script string, args ...string) (sample, error) {
	_, out, err := s.timed(ctx, append([]string{"unshare", "--mount", "sh", s.path(script)}, args...)...)
	if err != nil {
		return sample{}, err
	}
	var took time.Duration
	var n int
	if _, err := fmt.Sscan(out, &took, &n); err != nil {
		return sample{}, err
	}
	if n < s.peers {
		return sample{}, fmt.Errorf("it has made %d routes of %d", n, s.peers)
	}
	return sample{Time: took}, nil
}

// cleared removes what a peer has made.
func (s *overlay) cleared(ctx context.Context) error {
	if s.spread.device.name != "" {
		_ = s.ip("link delete " + s.spread.device.name) // a peer that failed may not have made it
		return nil
	}
	return s.ip("route flush proto static")
}

// lastLine is the end of what an error says.
func lastLine(err error) string {
	l := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return l[len(l)-1]
}

// lines are the lines of the floor's file, in words.
func (o *objects) lines() ([][]string, error) {
	f, err := os.Open(o.floor)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var l [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		l = append(l, strings.Fields(s.Text()))
	}
	return l, nil
}

func (s *overlay) networkd(ctx context.Context, runs int) error {
	if _, err := os.Stat("/lib/systemd/systemd-networkd"); err != nil {
		s.results.leave("systemd-networkd is not installed")
		return nil
	}
	if s.backend == "vxlan" && s.peers > networkdMost {
		s.results.leave("systemd-networkd with %d vxlan peers: it takes at most %d FDB entries", s.peers, networkdMost)
		return nil
	}
	dir := s.path("networkd")
	lines, err := s.spread.lines()
	if err == nil {
		err = s.networkdFiles(dir, lines)
	}
	if err != nil {
		return err
	}
	dev := "-"
	if s.backend == "vxlan" {
		dev = s.spread.device.name
	}
	for range runs {
		if err := s.peer(ctx, "systemd-networkd", "networkd.sh", dir, fmt.Sprint(s.peers), dev); err != nil {
			return err
		}
	}
	return nil
}

// networkdFiles writes the files of systemd.network(5) and systemd.netdev(5).
func (s *overlay) networkdFiles(dir string, lines [][]string) error {
	var b strings.Builder
	for _, w := range lines {
		switch w[0] {
		case "neighbour":
			fmt.Fprintf(&b, "\n[Neighbor]\nAddress=%s\nLinkLayerAddress=%s\n", w[1], w[2])
		case "fdb":
			fmt.Fprintf(&b, "\n[BridgeFDB]\nMACAddress=%s\nDestination=%s\nAssociatedWith=self\n", w[1], w[2])
		case "route":
			fmt.Fprintf(&b, "\n[Route]\nDestination=%s/%s\nGateway=%s\nMetric=%s\n", w[1], w[2], w[3], w[5])
			if w[6] == "1" {
				b.WriteString("GatewayOnLink=yes\n")
			}
		}
	}
	quiet := "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
	files := map[string]string{"10-eth0.network": "[Match]\nName=eth0\n\n[Network]\nKeepConfiguration=yes\n" + quiet + b.String()}
	if d := s.spread.device; d.name != "" {
		files = map[string]string{
			"10-overlay.netdev":  fmt.Sprintf("[NetDev]\nName=%s\nKind=vxlan\n\n[VXLAN]\nIndependent=yes\nVNI=1\nLocal=10.0.0.1\nDestinationPort=8472\nMacLearning=no\n", d.name),
			"10-overlay.network": fmt.Sprintf("[Match]\nName=%s\n\n[Network]\nAddress=%s\n%s%s", d.name, d.address, quiet, b.String()),
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// netplan lets it write its files for systemd-networkd, which then makes the routes: its
// own "apply" needs a system that was started by systemd. It knows no FDB entries.
func (s *overlay) netplan(ctx context.Context, runs int) error {
	if s.backend != "host-gw" {
		return nil
	}
	if _, err := exec.LookPath("netplan"); err != nil {
		s.results.leave("netplan is not installed")
		return nil
	}
	lines, err := s.spread.lines()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    eth0:\n      addresses: [%s]\n      link-local: []\n      accept-ra: false\n      routes:\n", underlay)
	for _, w := range lines {
		fmt.Fprintf(&b, "        - {to: %s/%s, via: %s, metric: %s}\n", w[1], w[2], w[3], w[5])
	}
	root := s.path("netplan")
	if err := os.MkdirAll(filepath.Join(root, "etc/netplan"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "etc/netplan/bench.yaml"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	for range runs {
		if err := s.peer(ctx, "netplan", "netplan.sh", root, fmt.Sprint(s.peers)); err != nil {
			return err
		}
	}
	return nil
}

// ifupdown2 has no words for these objects but to run a command for each.
func (s *overlay) ifupdown2(ctx context.Context) error {
	if _, err := exec.LookPath("ifreload"); err != nil {
		s.results.leave("ifupdown2 is not installed")
		return nil
	}
	lines, err := s.spread.lines()
	if err != nil {
		return err
	}
	d := s.spread.device
	var b strings.Builder
	fmt.Fprintf(&b, "auto %s\niface %[1]s\n  vxlan-id 1\n  vxlan-local-tunnelip 10.0.0.1\n  vxlan-port 8472\n  vxlan-learning off\n  address %s\n  post-up ip link set %[1]s up\n", d.name, d.address)
	for _, w := range lines {
		switch w[0] {
		case "neighbour":
			fmt.Fprintf(&b, "  post-up ip neighbour add %s lladdr %s dev %s nud permanent\n", w[1], w[2], w[3])
		case "fdb":
			fmt.Fprintf(&b, "  post-up bridge fdb add %s dev %s dst %s self permanent\n", w[1], w[3], w[2])
		case "route":
			fmt.Fprintf(&b, "  post-up ip route add %s/%s via %s dev %s onlink metric %s\n", w[1], w[2], w[3], w[4], w[5])
		}
	}
	file, err := s.write("interfaces", b.String())
	if err != nil {
		return err
	}
	return s.peer(ctx, "ifupdown2", "ifupdown2.sh", file, d.name)
}
