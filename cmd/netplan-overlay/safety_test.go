package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/safety.md says that the guards say, they say.
func TestSafetyDoc(t *testing.T) {
	hostOnly(t)
	b, err := os.ReadFile("../../docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	connect(t, h, func(f func() error) error { return o.door.In("", f) }, officeClient, officeHost)
	file, plan := w.dir+"/topology.yaml", w.dir+"/p.plan"
	quoted := func(text string) {
		t.Helper()
		for line := range strings.Lines(volatileMAC.ReplaceAllString(strings.ReplaceAll(text, w.dir+"/", ""), "MAC")) {
			if !strings.Contains(volatileMAC.ReplaceAllString(doc, "MAC"), strings.TrimSpace(line)) {
				t.Errorf("docs/safety.md doesn't have: %s", line)
			}
		}
	}
	says := func(code int, section string, args ...string) {
		t.Helper()
		r := h.tool(append(args, "-f", file)...)
		if r.code != code {
			t.Errorf("%v: exit code %d, want %d\n%s%s", args, r.code, code, r.out, r.err)
		}
		quoted(r.err)
		if section != "" {
			_, part, _ := strings.Cut(r.out, "\n"+section)
			part, _, _ = strings.Cut(part, "\nPlan:")
			quoted(section + part)
		}
	}
	w.file("topology.yaml", managed("", ", br9: 203.0.113.1/24"))
	says(exitError, "Management:", "apply", "--auto-approve")
	h.ip("link", "add", "flannel.1", "type", "vxlan", "id", "1", "dstport", "8472", "local", "192.168.32.245", "dev", "eth0")
	w.file("topology.yaml", two("vxlan"))
	r := h.tool("plan", "-f", file)
	_, conflict, _ := strings.Cut(r.out, "solved.\n")
	conflict, _, _ = strings.Cut(conflict, "\nPlan:")
	quoted(conflict)
	h.ip("link", "delete", "flannel.1")

	h.apply(file)
	h.ip("address", "add", "10.9.9.1/24", "dev", "br245")
	says(exitError, "Harm:", "destroy", "--auto-approve")
	h.ip("address", "delete", "10.9.9.1/24", "dev", "br245")
	says(exitError, "", "destroy", "--auto-approve", "--max-destroy", "5")
	w.file("topology.yaml", strings.Replace(two("vxlan"), "br245", "brnew", 1))
	says(exitError, "", "apply", "--auto-approve", "--max-impact", "brief")
	w.file("topology.yaml", withoutNode(two("vxlan"), "vm1"))
	says(exitError, "", "apply", "--auto-approve")
	w.file("topology.yaml", bareNode(two("vxlan")))
	says(exitError, "", "apply", "--auto-approve")
	w.file("topology.yaml", strings.Replace(two("vxlan"), "nodes:", "mtu: 1400\nnodes:", 1))
	if r := h.tool("plan", "-f", file, "--out", plan); r.code != exitOK {
		t.Fatalf("plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	h.ip("link", "set", "br245", "mtu", "1420")
	says(exitStale, "", "apply", "--plan", plan)
}

// volatileMAC is a MAC that the kernel chose.
var volatileMAC = regexp.MustCompile(`([0-9a-f]{2}:){5}[0-9a-f]{2}`)
