package render_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// planCase is a plan for a node, made the way in which the program makes it.
type planCase struct {
	name     string
	node     string
	topology string // "": nothing is asked for
	host     func(t *testing.T) *model.State
	opts     diff.Options
	mgmt     model.Management
}

func was(topology, node string) func(*testing.T) *model.State {
	return func(t *testing.T) *model.State { return made(t, topology, node) }
}

// planCases tells what people review most.
func planCases(t *testing.T) []planCase {
	sub := func(oldNew ...string) string { return rewrite(t, classic, oldNew...) }
	return []planCase{
		{name: "create", topology: classic, host: func(*testing.T) *model.State { return bare() }},
		{name: "no-changes", topology: classic, host: was(classic, "vm1")},
		{name: "peer-added", topology: classic, host: was(sub(vm3, ""), "vm1")},
		{name: "peer-removed", topology: sub(vm3, ""), host: was(classic, "vm1")},
		{name: "peer-moved", topology: sub("192.168.32.246", "192.168.32.146"), host: was(classic, "vm1")},
		{name: "peer-mac", topology: sub("  vm3:", "    overlay: {mac: '02:00:00:00:00:46'}\n  vm3:"), host: was(classic, "vm1")},
		{name: "peer-subnet", topology: sub("172.246.0.1/24}", "172.246.8.1/24}", "172.246.0.2", "172.246.8.2"), host: was(classic, "vm1")},
		{name: "mtu", topology: sub("backend:", "mtu: 1400\nbackend:"), host: was(classic, "vm1")},
		{name: "cascade", topology: sub("vni: 1", "vni: 2"), host: was(classic, "vm1")},
		{name: "port", topology: sub("port: 8472", "port: 4789"), host: was(classic, "vm1")},
		{name: "bridge-renamed", topology: sub("br245", "brnew"), host: was(classic, "vm1")},
		{name: "backend-switched", topology: sub("{type: vxlan, vni: 1, port: 8472}", "host-gw"), host: was(classic, "vm1")},
		{name: "ipip-per-peer-left", topology: classic, host: was(sub("{type: vxlan, vni: 1, port: 8472}", "{type: ipip, mode: per-peer}"), "vm1")},
		{name: "drift", topology: classic, host: drifted},
		{name: "half-made", topology: classic, host: halfMade},
		{name: "conflict", topology: classic, host: byHand},
		{name: "adopt", topology: classic, host: byHand, opts: diff.Options{Adopt: true}},
		{name: "conflict-fixed", topology: classic, host: inTheWay},
		{name: "harm", topology: sub("br245", "brnew"), host: guests},
		{name: "management", topology: sub("br245", "brnew"), host: guests, mgmt: throughGuests()},
		{name: "missing", topology: sub("address: 192.168.32.245", "address: 192.168.32.245\n    interface: bond0"), host: func(*testing.T) *model.State { return bare() }},
		{name: "destroy", host: was(classic, "vm1")},
		{name: "destroyed", host: func(*testing.T) *model.State { return bare() }},
		{name: "fleet-create", node: "n1", topology: fleet(1000), host: func(*testing.T) *model.State { return bare() }},
		{name: "fleet-destroy", node: "n1", host: was(fleet(1000), "n1")},
		{name: "fleet-cascade", node: "n1", topology: rewrite(t, fleet(60), "vxlan", "{type: vxlan, vni: 7}"), host: was(fleet(60), "n1")},
		{name: "dual-stack", topology: dualStack, host: func(*testing.T) *model.State { return bare() }},
	}
}

const vm3 = `  vm3:
    address: 192.168.32.247
    bridges:    {br247: 172.247.0.1/24}
`

const dualStack = `apiVersion: netplan-overlay/v1
name: campus
backend: {type: vxlan, vni: 42, port: 4789, directRouting: true}
mtu: 9000
nodes:
  vm1:
    address: [10.0.0.11, "2001:db8:0:1::11"]
    bridges: {br0: [10.42.1.1/24, "fd42:0:0:1::1/64"]}
    namespaces:
      web: {interfaces: {eth0: {addresses: [10.42.1.10/24, "fd42:0:0:1::10/64"]}}, sysctls: {net.ipv4.ip_forward: 1}}
  vm2:
    address: [10.0.0.12, "2001:db8:0:1::12"]
    bridges: {br0: [10.42.2.1/24, "fd42:0:0:2::1/64"]}
  vm3:
    address: [10.0.7.13, "2001:db8:0:7::13"]
    bridges: {br0: [10.42.3.1/24, "fd42:0:0:3::1/64"]}
`

// drifted is the host after somebody changed this and that by hand.
func drifted(t *testing.T) *model.State {
	s := made(t, classic, "vm1")
	br, _ := s.Get(model.LinkKey("", "br245"))
	l := br.Object.(model.Link)
	l.MTU, l.Up = model.Some(uint32(1500)), model.Some(false)
	br.Object = l
	s.Put(br)
	for e := range s.Clone().All() {
		r, ok := e.Object.(model.Route)
		switch {
		case ok && r.Netns == "" && strings.HasPrefix(r.Dst.String(), "172.246."):
			s.Remove(r.Key())
		case ok && r.Netns == "":
			r.OnLink = model.Some(false)
			e.Object = r
			s.Put(e)
		}
	}
	return s
}

// halfMade is the host after a run that died between the two messages for a link.
func halfMade(t *testing.T) *model.State {
	s := made(t, classic, "vm1")
	e, _ := s.Get(model.LinkKey("", "vxlan1"))
	l := e.Object.(model.Link)
	l.Alias, l.Up = model.Some(""), model.Some(false)
	e.Object, e.Owner = l, model.OwnerHalf
	s.Put(e)
	return s
}

// byHand is the host as somebody with ip and bridge would have built it: all is
// there, nothing is marked, and br245 has another MTU.
func byHand(t *testing.T) *model.State {
	s := bare()
	for e := range made(t, classic, "vm1").All() {
		switch o := e.Object.(type) {
		case model.Netns:
			o.Alias = model.Some("")
			e.Object = o
		case model.Link:
			o.Group, o.Alias = model.Some(uint32(0)), model.Some("")
			if o.Name == "br245" {
				o.MTU = model.Some(uint32(1500))
			}
			e.Object = o
		case model.Address:
			o.Protocol = model.Some(uint8(0))
			e.Object = o
		case model.Neighbour:
			o.Protocol = model.Some(uint8(0))
			e.Object = o
		case model.Route:
			o.Protocol = model.Some(uint8(3))
			e.Object, e.Maker = o, "ip or a script (proto boot)"
		}
		e.Owner = model.OwnerForeign
		s.Put(e)
	}
	return s
}

// inTheWay is a host with things in the wanted places that cannot be taken over.
func inTheWay(t *testing.T) *model.State {
	s := bare()
	for e := range made(t, classic, "vm1").All() {
		switch o := e.Object.(type) {
		case model.Link:
			switch o.Name {
			case "br245": // a bond of that name
				s.Put(model.Entry{Object: model.Link{
					Name: "br245", Type: model.Some("bond"), Up: model.Some(true), MTU: model.Some(uint32(1500)),
					Group: model.Some(uint32(0)), Alias: model.Some(""),
				}})
			case "vxlan1": // another name holds the VNI and port
				o.Name, o.Group, o.Alias = "flannel.1", model.Some(uint32(0)), model.Some("")
				s.Put(model.Entry{Object: o, Maker: "flannel"})
			}
		case model.Netns: // another node's
			o.Alias = model.Some(model.Identity{Topology: "classic", Node: "vm9"}.Alias())
			s.Put(model.Entry{Object: o, Owner: model.OwnerOther, Maker: "netplan-overlay topology classic/vm9"})
		}
	}
	return s
}

// guests is the host with something of somebody else's on our bridge.
func guests(t *testing.T) *model.State {
	s := made(t, classic, "vm1")
	s.Put(model.Entry{Object: model.Address{Link: "br245", Prefix: prefix("10.9.9.1/24"), Protocol: model.Some(uint8(0)), Scope: model.Some(uint8(0))}})
	s.Put(model.Entry{Object: model.Link{Name: "tap7", Type: model.Some("tun"), Master: model.Some("br245"), Up: model.Some(true)}, Maker: "libvirt"})
	return s
}

// throughGuests is a default route and an SSH connection by way of tap7 and br245.
func throughGuests() model.Management {
	path := model.Path{Dst: prefix("0.0.0.0/0"), Table: model.TableMain, Hops: []model.Hop{{Dev: "br245", Via: prefix("10.9.9.254/24").Addr()}}}
	return model.Management{Ways: []model.Way{
		{For: "the default route", Path: path},
		{For: "the SSH connection from 203.0.113.5", To: prefix("203.0.113.5/32").Addr(), Local: prefix("10.9.9.1/24").Addr(), Path: path},
	}}
}

func (c *planCase) plan(t *testing.T) (*diff.Plan, render.Header) {
	t.Helper()
	want := &model.State{}
	node := c.node
	if node == "" {
		node = "vm1"
	}
	if c.topology != "" {
		want = wantedBy(t, c.topology, node).State
	}
	name := "classic"
	if c.node != "" {
		name = "fleet"
	}
	host := c.host(t)
	p := diff.Compute(want, host, c.opts)
	p.Touched = diff.Touches(p, host, c.mgmt)
	return p, header(name, node)
}

func (c *planCase) text(t *testing.T, o render.Options) string {
	t.Helper()
	p, h := c.plan(t)
	var b bytes.Buffer
	if err := render.Plan(&b, h, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	for _, c := range planCases(t) {
		t.Run(c.name, func(t *testing.T) {
			golden(t, "plan-"+c.name+".txt", c.text(t, render.Options{}))
		})
	}
}

// Colour adds nothing but colour.
func TestPlanColor(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, c := range planCases(t) {
		t.Run(c.name, func(t *testing.T) {
			plain, coloured := c.text(t, render.Options{}), c.text(t, render.Options{Color: true})
			if !escapes.MatchString(coloured) {
				t.Error("there is no colour")
			}
			if strings.Contains(plain, "\x1b") {
				t.Error("the plain text has escape sequences")
			}
			if d := cmp.Diff(plain, escapes.ReplaceAllString(coloured, "")); d != "" {
				t.Errorf("without its colours the text differs (-plain +coloured):\n%s", d)
			}
		})
	}
}

// The last line is the one that people and scripts look for.
func TestPlanLastLine(t *testing.T) {
	var last []string
	for _, c := range planCases(t) {
		lines := strings.Split(strings.TrimSpace(c.text(t, render.Options{})), "\n")
		last = append(last, c.name+": "+lines[len(lines)-1])
	}
	golden(t, "last-lines.txt", strings.Join(last, "\n")+"\n")
}

// However many peers there are, a plan stays readable: some 20 blocks of each class.
func TestPlanFolds(t *testing.T) {
	for _, c := range planCases(t) {
		if lines := strings.Count(c.text(t, render.Options{}), "\n"); strings.HasPrefix(c.name, "fleet-") && lines > 200 {
			t.Errorf("%s: %d lines", c.name, lines)
		}
	}
}

// A name from the kernel cannot send escape sequences to the terminal, or break out
// of its line.
func TestPlanCleans(t *testing.T) {
	evil := "br\x1b[2J\nx"
	p := &diff.Plan{
		Changes: []diff.Change{{Action: diff.Delete, Before: model.Link{Name: evil, Type: model.Some(model.TypeBridge)}}},
		Harmed:  []diff.Harm{{Object: model.Link{Name: evil, Alias: model.Some(evil)}, Maker: evil, Cause: model.LinkKey("", evil)}},
		Conflicts: []diff.Conflict{
			{Want: model.Netns{Name: "a"}, Got: model.Netns{Name: "a"}, Maker: evil},
			{Want: model.Link{Name: "b"}, Got: model.Link{Name: evil}, Maker: evil, Adoptable: true, Attrs: []model.AttrChange{{Name: "master", Before: evil}}},
		},
		Missing: []model.Entry{{Object: model.Link{Name: evil}, Intent: evil, Source: evil}},
	}
	for _, o := range []render.Options{{}, {Color: true}} {
		var b bytes.Buffer
		if err := render.Plan(&b, header("t", "n"), p, o); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\x1b[2J") || strings.Contains(b.String(), "\nx") {
			t.Errorf("colour %t: not cleaned:\n%q", o.Color, b.String())
		}
	}
}

func TestApplied(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"create", "Done: 15 added, 1 changed. vm1 matches classic (16 objects)."},
		{"port", "Done: 8 replaced. vm1 matches classic (16 objects)."},
		{"peer-removed", "Done: 3 destroyed. vm1 matches classic (13 objects)."},
		{"adopt", "Done: 13 adopted. vm1 matches classic (16 objects)."},
		{"destroy", "Done: 16 destroyed. vm1 has nothing of classic."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, h := caseNamed(t, tt.name).plan(t)
			var b bytes.Buffer
			if err := render.Applied(&b, h, p, render.Options{}); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff("\n"+tt.want+"\n", b.String()); d != "" {
				t.Errorf("Applied (-want +got):\n%s", d)
			}
		})
	}
}

func caseNamed(t *testing.T, name string) *planCase {
	t.Helper()
	for _, c := range planCases(t) {
		if c.name == name {
			return &c
		}
	}
	t.Fatalf("no case %s", name)
	return nil
}

// brokenWriter refuses what is written to it.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrors(t *testing.T) {
	p, h := caseNamed(t, "create").plan(t)
	x := wantedBy(t, classic, "vm1")
	for name, err := range map[string]error{
		"Plan":            render.Plan(brokenWriter{}, h, p, render.Options{}),
		"PlanJSON":        render.PlanJSON(brokenWriter{}, h, p),
		"Applied":         render.Applied(brokenWriter{}, h, p, render.Options{}),
		"Expansion":       render.Expansion(brokenWriter{}, h, x, render.Options{}),
		"ExpansionJSON":   render.ExpansionJSON(brokenWriter{}, h, x),
		"Observation":     render.Observation(brokenWriter{}, h, bare(), render.Options{}),
		"ObservationJSON": render.ObservationJSON(brokenWriter{}, h, bare()),
	} {
		if err == nil || err.Error() != "write output: disk full" {
			t.Errorf("%s to a full disk: %v", name, err)
		}
	}
}
