package spec_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// oddities are what may be put in the place of a value.
var oddities = []string{
	"", "null", "~", `""`, `" "`, "0", "1", "-1", "+1", "01", "1.5", "1e3", "67", "68", "1279", "65535", "65536", "16777215", "16777216",
	"4294967295", "4294967296", "true", `"true"`, "True", "yes", "text", "default", "lo", "..", "x-y", "a/b", "a:b", "a%b", "ä", `"a\nb"`,
	"abcdefghijklmno", "abcdefghijklmnop", "vxlan", "ipip", "host-gw", "per-peer", "multipoint", "netplan-overlay/v1",
	"10.1.0.9", "10.1.0.9/24", "10.1.0.0/24", "10.1.0.9/33", "10.1.0.9/0", "10.1.0.09", "10.1.0", "10.1.0.256/24", "0.0.0.0/0", "::/0", "::",
	"fd00::9", "fd00::9/64", "fd00::9/129", "fd00::9%eth0", "fd00:::9", "1:2:3:4:5:6:7:8/64", "1:2:3:4:5:6:7:8:9/64", "fd00::10.0.0.1/120",
	"02:00:00:00:09:09", "03:00:00:00:09:09", "02-00-00-00-09-09", "02:00-00:00:09:09", "02:00:00:00:09", "00:00:00:00:00:00",
	"[]", "{}", "[[]]", "[{}]", "[~]", "[1]", "[text]", "[10.1.0.9/24]", "[10.1.0.9]", "[10.1.0.9, fd00::9]", "[10.1.0.9, fd00::9, fd00::8]",
	"20", "21", "10s", "500ms", "1h", "0s", "010s", "icmp", "any", "[fw]", "[true, 1]", "[\"\"]", "{a: }", "{a: 1}", "{x-a: 1}", "{a: {}}", "{a: []}", "{a: 10.1.0.9/24}", "{net.ipv4.ip_forward: 1}", "{kernel.panic: 1}",
	"{type: vxlan}", "{type: ipip, vni: 1}", "{to: default}", "[{to: default}]", "[{to: default, via: 10.1.0.1}]", "[{to: 10.9.0.0/16, dev: eth0}]",
	"{bridge: br1}", "{mtu: 1400}", "{address: 10.1.0.9}", "{addresses: 10.1.0.9/24}", "{interfaces: {eth0: {}}}", "{interfaces: {eth0: }}",
}

// whole is a topology that has every key once.
const whole = `apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 1, port: 8472, directRouting: true, routeMetrics: auto}
mtu: 1500
probe: {type: icmp, interval: 10s, timeout: 1s, down: 3, up: 1, namespaces: [fw], ready: any}
defaults:
  node: {interface: eth0, overlay: {device: vtep1, mtu: 1400}}
  bridge: {mtu: 1400, overlay: true}
  namespace: {mtu: 1400, sysctls: {net.ipv4.ip_forward: 1}}
nodes:
  vm1:
    address: 192.168.32.1
    interface: eth0
    probe: false
    overlay: {device: vtep1, mac: "02:00:00:00:01:01", address: 10.1.0.0/32, mtu: 1450}
    bridges:
      br1: {addresses: [10.1.0.1/24], mtu: 1450, mac: "02:00:00:00:02:01", overlay: true}
    namespaces:
      fw:
        interfaces:
          eth0: {bridge: br1, addresses: [10.1.0.3/24], mac: "02:00:00:00:03:01", host: vethfw, mtu: 1450}
        routes: [{to: default, via: 10.1.0.1, dev: eth0, metric: 5}]
        sysctls: {net.ipv4.ip_forward: 1}
`

// structural begin or are in what the decoder says of a fault in the structure.
var structural = regexp.MustCompile(`is wanted here|whole number from|is missing|^unknown key|neither true nor false|is not (a|an) (IP|MAC|backend|mode|version|probe|duration|condition)|` +
	`is not an address with|neither "default" nor|lacks the length|would make the whole|hexadecimal byte|multicast address; no device|no MAC address that|` +
	`the backend has no type|the node has no address|no destination|nothing says where|without a gateway|cannot be the name of|the kernel allows|` +
	`a character that the kernel refuses|consists of letters|no sysctl of|is no option of|has a zone|not clearly`)

// Whatever stands in the place of whatever: what the schema refuses, the decoder refuses,
// and what the decoder refuses for its structure, the schema refuses.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t, schema.TopologyName)
	every := 5 // each oddity in a fifth of the places
	if n, err := strconv.Atoi(os.Getenv("NETPLAN_OVERLAY_TEST_SWEEP_EVERY")); err == nil {
		every = max(1, n)
	}
	refused, accepted := 0, 0
	for i, text := range mutants(t) {
		doc, err := document(text)
		if err != nil || i%every > 0 {
			continue
		}
		top, problems := parse(text)
		faulty := slices.ContainsFunc(problems, func(p spec.Problem) bool { return !p.Warning && structural.MatchString(p.Message) })
		for _, r := range readers {
			err := s.Validate(valueOf(doc, r.scalar))
			switch {
			case err != nil && top != nil:
				t.Errorf("the schema refuses, as %s reads it, what the decoder takes:\n%s\n%v", r.name, text, err)
			case err == nil && faulty && r.name == "the decoder":
				t.Errorf("the schema accepts what the decoder refuses: %v\n%s", problems, text)
			case err == nil:
				accepted++
			default:
				refused++
			}
		}
		if t.Failed() {
			return // one is enough to look at
		}
	}
	if refused < 3000/every || accepted < 1000/every {
		t.Errorf("%d were refused, %d accepted", refused, accepted)
	}
}

// mutants returns the whole topology with each value replaced by each oddity, and with
// each key left out, and once misspelt.
func mutants(t *testing.T) []string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(whole), &doc); err != nil {
		t.Fatal(err)
	}
	var l []string
	write := func() {
		b, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		l = append(l, string(b))
	}
	const mark = "put-it-here"
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, c := range n.Content {
			isKey := n.Kind == yaml.MappingNode && i%2 == 0
			n.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Value: mark}
			write()
			marked := l[len(l)-1]
			l = l[:len(l)-1]
			for _, o := range oddities {
				if !isKey || !strings.ContainsAny(o, "[{") && o != "" {
					l = append(l, strings.Replace(marked, mark, o, 1))
				}
			}
			n.Content[i] = c
			if isKey {
				all := n.Content
				n.Content = slices.Concat(all[:i:i], all[i+2:])
				write()
				n.Content = all
				continue
			}
			walk(c)
		}
	}
	walk(&doc)
	return l
}
