package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Starter is what a first topology file is made of.
type Starter struct {
	Name    string
	Backend string        // HostGW, IPIP or VXLAN
	Nodes   []StarterNode // none: two, as an example
	Schema  string        // the file that editors find the schema in, as seen from the topology's
}

// StarterNode is a host, and its addresses on the underlay.
type StarterNode struct {
	Name      string
	Addresses []string
}

const starterHead = `# yaml-language-server: $schema=%s
#
# The schema, for editors:  netplan-overlay schema > %s
# All keys of this file:    netplan-overlay explain
# Check it:                 netplan-overlay validate -f FILE
# Try it on this machine:   netplan-overlay lab test -f FILE
# What it means for a host: netplan-overlay plan -f FILE
apiVersion: ` + APIVersion + `
name: %s
backend: %s

nodes:
`

// Text returns the file. Each node gets a bridge and a namespace, in a subnet of private
// address space that is clear of the underlay. What the file would be refused for is an
// error.
func (s Starter) Text() (string, error) {
	if len(s.Nodes) == 0 {
		s.Nodes = []StarterNode{{"node1", []string{"192.168.32.11"}}, {"node2", []string{"192.168.32.12"}}}
	}
	if strings.ContainsFunc(s.Schema, notInModeline) {
		return "", fmt.Errorf("the name of the schema, %q, has white space or something that cannot be printed: editors would not find it", s.Schema)
	}
	block, err := s.block()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, starterHead, s.Schema, s.Schema, scalarText(s.Name), scalarText(s.Backend))
	for i, n := range s.Nodes {
		n.write(&b, nth(block, i+1), i == 0)
	}
	return b.String(), s.check(b.String())
}

// write writes a node with a /24, and says what its lines mean.
func (n StarterNode) write(b *strings.Builder, subnet netip.Addr, comments bool) {
	host := func(last byte) netip.Prefix {
		a := subnet.As4()
		a[3] = last
		return netip.PrefixFrom(netip.AddrFrom4(a), 24)
	}
	for _, l := range []struct{ line, comment string }{
		{"  " + scalarText(n.Name) + ":", "a host, which knows by its address that it is this node"},
		{"    address: " + addressText(n.Addresses), "on the network that the hosts share"},
		{fmt.Sprintf("    bridges:    {br0: %s}", host(1)), "peers get a route to its subnet"},
		{fmt.Sprintf("    namespaces: {web: %s}", host(10)), "its eth0 is on the bridge whose subnet holds the address"},
	} {
		if comments {
			l.line = fmt.Sprintf("%-42s # %s", l.line, l.comment)
		}
		b.WriteString(l.line + "\n")
	}
}

// notInModeline says whether a character ends, or spoils, the name of a schema in the
// comment that editors look for.
func notInModeline(r rune) bool {
	return notInYAML(r) || strings.ContainsRune(" \t\u0085\u2028\u2029\ufeff\u00a0", r)
}

// blocks are private address space, to cut a subnet for each node from.
var blocks = [...]netip.Prefix{
	netip.MustParsePrefix("10.64.0.0/10"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("10.0.0.0/10"),
}

// block returns the first of the blocks that is large enough and holds no address of the
// underlay.
func (s Starter) block() (netip.Prefix, error) {
	for _, b := range blocks {
		if len(s.Nodes) < 1<<(24-b.Bits()) && !slices.ContainsFunc(s.Nodes, func(n StarterNode) bool { return n.in(b) }) {
			return b, nil
		}
	}
	return netip.Prefix{}, errors.New("choose subnets for the nodes: they are too many, or their addresses in too many private blocks: write the file by hand")
}

func (n StarterNode) in(block netip.Prefix) bool {
	return slices.ContainsFunc(n.Addresses, func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && block.Contains(a)
	})
}

// nth returns the address of the n-th /24 of a block.
func nth(block netip.Prefix, n int) netip.Addr {
	a := block.Addr().As4()
	v := int(a[1])<<8 + n
	return netip.AddrFrom4([4]byte{a[0], byte(v >> 8), byte(v), 0})
}

// check refuses a file with errors, all of which it tells.
func (s Starter) check(text string) error {
	t, problems := Parse([]Source{{Name: "topology", Data: []byte(text)}})
	var l []string
	for _, p := range problems {
		if p.Warning {
			continue
		}
		one := p.Message
		if p.Path != "" {
			one = p.Path + ": " + one
		}
		if p.Hint != "" {
			one += "; " + p.Hint
		}
		l = append(l, one)
	}
	switch {
	case len(l) > 0:
		return errors.New(strings.Join(l, "\n"))
	case len(t.Nodes) != len(s.Nodes):
		return errors.New(`the name of a node begins with "x-": such keys are left out of a topology`)
	}
	return nil
}

var (
	// plainScalar is text that no reader of YAML takes for more than that, but for the
	// words below.
	plainScalar = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`) })
	special     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n)$`) })
)

// scalarText writes text as a scalar of YAML, in quotes where it needs them.
func scalarText(s string) string {
	if plainScalar().MatchString(s) && !special().MatchString(s) {
		return s
	}
	b, _ := json.Marshal(s) // a string can be written; and one of JSON is one of YAML
	return string(b)
}

// addressText writes an address, or a list of them.
func addressText(addresses []string) string {
	l := make([]string, len(addresses))
	for i, a := range addresses {
		l[i] = scalarText(a)
	}
	if len(l) == 1 {
		return l[0]
	}
	return "[" + strings.Join(l, ", ") + "]"
}
