package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxLinkName is IFNAMSIZ-1 (linux/if.h), in bytes.
const maxLinkName = 15

// isPlainName says whether a name is made of what names of topologies and nodes are made
// of: they become part of marks, directories and messages.
func isPlainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i == 0 || c != '.' && c != '_' && c != '-':
			return false
		}
	}
	return name != ""
}

// checkPlainName checks the name of a topology or a node.
func (d *decoder) checkPlainName(n node, what, name string) {
	switch {
	case len(name) > 63:
		d.errorf(codeBadName, n, "", "%s has at most 63 bytes, %q has %d", what, name, len(name))
	case !isPlainName(name):
		d.errorf(codeBadName, n, "", "%s consists of letters, digits, dots, hyphens and underscores and begins with a letter or digit; %q does not", what, name)
	}
}

// checkLinkName checks a device's name as the kernel does (dev_valid_name,
// net/core/dev.c), and refuses those that mean something else.
func (d *decoder) checkLinkName(n node, what, name string) bool {
	switch {
	case len(name) > maxLinkName:
		d.errorf(codeBadLinkName, n, "", "%s %q has %d bytes; the kernel allows %d", what, name, len(name), maxLinkName)
	case name == "" || name == "." || name == "..":
		d.errorf(codeBadLinkName, n, "", "%q cannot be the name of %s", name, what)
	case name == "lo" || name == "all" || name == "default":
		d.errorf(codeBadLinkName, n, "", "%q cannot be the name of %s: to the kernel it means something else", name, what)
	case strings.ContainsFunc(name, notInLinkName):
		d.errorf(codeBadLinkName, n, "", "%s %q has a character that the kernel refuses there: /, %%, :, white space or one that cannot be printed", what, name)
	default:
		return true
	}
	return false
}

func notInLinkName(r rune) bool { return r == '/' || r == '%' || r == ':' || r <= ' ' || r > '~' }

// checkNetnsName checks the name of a namespace, which becomes a file's.
func (d *decoder) checkNetnsName(n node, name string) {
	switch {
	case name == "" || name == "." || name == "..":
		d.errorf(codeBadNetnsName, n, "", "%q cannot be the name of a network namespace", name)
	case len(name) > 255:
		d.errorf(codeBadNetnsName, n, "", "the name of a network namespace has at most 255 bytes, this one has %d", len(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r <= ' ' || r > '~' }):
		d.errorf(codeBadNetnsName, n, "", "%q cannot be the name of a network namespace: it becomes a file below /run/netns, and holds a /, white space or something that cannot be printed", name)
	}
}

// sysctlName is a parameter of a network namespace, with dots or, within a device's
// name, slashes. A part is never slashes alone: "//" would be the directory "..".
var sysctlName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^net(\.[A-Za-z0-9_/-]*[A-Za-z0-9_-][A-Za-z0-9_/-]*)+$`)
})

func (w *walker) checkSysctl(s rawSysctl) {
	switch {
	case !w.sysctlNamed(s.name):
		w.errorf(codeBadSysctl, s.key, "such as net.ipv4.ip_forward", "%q is no sysctl of a network namespace", s.name)
	case s.value.given() && strings.ContainsAny(s.value.v, "\n\x00"):
		w.errorf(codeBadSysctl, s.value.at, "", "the value of a sysctl is a single line")
	}
}

// sysctlNamed is sysctlName, which looks at each name once.
func (w *walker) sysctlNamed(name string) bool {
	if !w.sysctls[name] && sysctlName().MatchString(name) {
		if w.sysctls == nil {
			w.sysctls = map[string]bool{}
		}
		w.sysctls[name] = true
	}
	return w.sysctls[name]
}

// shortened returns prefix and name, or where the kernel would not take that, as it
// is too long or has a character that a link's name must not have, the prefix and the
// first ten hexadecimal digits of the SHA-256 of unique.
func shortened(prefix, name, unique string) string {
	if s := prefix + name; len(s) <= maxLinkName && !strings.ContainsFunc(s, notInLinkName) {
		return s
	}
	sum := sha256.Sum256([]byte(unique))
	return prefix + hex.EncodeToString(sum[:])[:10]
}

// vethName is the name of a veth's end on the host.
func vethName(namespace, iface string) string {
	name := namespace
	if iface != "eth0" {
		name += "-" + iface
	}
	return shortened("veth-", name, namespace+"/"+iface)
}

// vethNames remember the last few names of veths: in a fleet, namespaces are mostly named
// alike on all nodes, and then the names are the same text.
type vethNames [8]struct{ namespace, iface, name string }

// of is vethName for the namespace at a place among those of its node.
func (l *vethNames) of(namespace, iface string, place int) string {
	v := &l[place%len(l)]
	if v.name == "" || v.namespace != namespace || v.iface != iface {
		v.namespace, v.iface, v.name = namespace, iface, vethName(namespace, iface)
	}
	return v.name
}

// TunnelName returns the name of node's point-to-point tunnel to peer: overlay.device
// of the node where there are just two nodes, else ipip-PEER, shortened if need be.
func (t *Topology) TunnelName(node, peer *Node) string {
	if node.Overlay.Device != "" && len(t.Nodes) == 2 {
		return node.Overlay.Device
	}
	return shortened("ipip-", peer.Name, peer.Name)
}

// deriveMAC makes a locally administered unicast address of a seed: the first six
// bytes of its SHA-256, with the lowest two bits of the first byte set to 10 (IEEE
// 802-2014, 8.2).
func deriveMAC(seed []byte) model.MAC {
	sum := sha256.Sum256(seed)
	m := model.MAC(sum[:6])
	m[0] = m[0]&^3 | 2
	return m
}

func macReason(seed []byte) string {
	return fmt.Sprintf("from the SHA-256 of %q, locally administered", seed)
}
