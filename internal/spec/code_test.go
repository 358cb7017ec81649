package spec_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Every problem of every malformed topology has a code that there is a page on, and each
// code but those that take too large a file is some topology's.
func TestCodes(t *testing.T) {
	made := map[spec.Code]bool{}
	for _, c := range malformed {
		_, problems := parse(strings.Replace(sound, c.old, c.new, 1))
		for _, p := range problems {
			if _, ok := spec.PageOf(p.Code); !ok {
				t.Errorf("%s: no page on %q: %s", c.name, p.Code, p)
			}
			made[p.Code] = true
		}
	}
	_, deep := parse("x-deep: " + strings.Repeat("[", 100) + strings.Repeat("]", 100))
	for _, p := range deep {
		made[p.Code] = true
	}
	for _, p := range spec.Pages() {
		for _, q := range exampleProblems(p.Wrong) {
			made[q.Code] = true
		}
		if !made[p.Code] && p.Code != "NPO005" {
			t.Errorf("%s (%s): no topology here has it", p.Code, p.Title)
		}
	}
}

// The pages are in order, no code is there twice, and what is shown as wrong has just that
// problem, what is shown as right none.
func TestPages(t *testing.T) {
	pages := spec.Pages()
	var codes []spec.Code
	for _, p := range pages {
		codes = append(codes, p.Code)
		if !regexp.MustCompile(`^NPO[0-9]{3}$`).MatchString(p.Code) || p.Title == "" || !strings.HasSuffix(p.Text, ".") && !strings.HasSuffix(p.Text, "`.") {
			t.Errorf("%s: %q, %q", p.Code, p.Title, p.Text)
		}
		if p.Wrong == "" && !slices.Contains([]spec.Code{"NPO005", "NPO007", "NPO307"}, p.Code) { // they would be long
			t.Errorf("%s has no example", p.Code)
		}
		if p.Wrong == "" {
			continue
		}
		warning := p.Warning()
		found := false
		for _, q := range exampleProblems(p.Wrong) {
			found = found || q.Code == p.Code
			if q.Code != p.Code && (!q.Warning || warning) {
				t.Errorf("%s: the wrong example has another problem: %s", p.Code, q)
			}
		}
		if !found {
			t.Errorf("%s: the wrong example doesn't have it:\n%s", p.Code, assembled(p.Wrong))
		}
		for _, q := range exampleProblems(p.Right) {
			if !q.Warning || q.Code == p.Code {
				t.Errorf("%s: the right example has a problem: %s", p.Code, q)
			}
		}
	}
	if !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("codes out of order, or twice: %v", codes)
	}
}

func exampleProblems(fragment string) []spec.Problem {
	_, problems := parse(assembled(fragment))
	return problems
}

// assembled puts a fragment into a topology, in the place of what stands there.
func assembled(fragment string) string {
	top := map[string]string{"apiVersion": "apiVersion: netplan-overlay/v1", "name": "name: classic", "backend": "backend: vxlan"}
	vm1 := map[string]string{"address": "    address: 192.0.2.1", "bridges": "    bridges: {br1: 10.1.0.1/24}", "namespaces": "    namespaces: {web: 10.1.0.2/24}"}
	vm2 := map[string]string{"address": "    address: 192.0.2.2", "bridges": "    bridges: {br2: 10.2.0.1/24}"}
	nodes := ""
	switch first := strings.SplitN(strings.TrimSpace(fragment), ":", 2)[0]; {
	case strings.HasPrefix(fragment, "#") || first == "apiVersion":
		return fragment + "\n"
	case strings.HasPrefix(fragment, "    "):
		node := vm1
		if strings.Contains(fragment, "br2") && !strings.Contains(fragment, "br1") {
			node = vm2
		}
		if first == "bridges" && !strings.Contains(fragment, "10.1.0.1/2") {
			delete(node, "namespaces")
		}
		if strings.Contains(fragment, "fd00::2") {
			node["bridges"] = `    bridges: {br1: "fd00::1/64"}`
		}
		node[first] = fragment
		if strings.Contains(fragment, "\n    namespaces") {
			delete(node, "namespaces")
		}
	case strings.HasPrefix(fragment, "  "):
		nodes = fragment
	case slices.Contains([]string{"routes", "sysctls", "interfaces"}, first):
		rest := "interfaces: {eth0: 10.1.0.2/24}, "
		if first == "interfaces" {
			rest = ""
		}
		vm1["namespaces"] = "    namespaces: {web: {" + rest + fragment + "}}"
	default:
		for line := range strings.Lines(fragment) {
			delete(top, strings.SplitN(line, ":", 2)[0])
		}
		before, after, ok := strings.Cut(fragment, "nodes:")
		top[first] = strings.TrimSuffix(before, "\n")
		if ok && !strings.Contains(after, "vm9") {
			return assembledLines(top) + "nodes:" + after + "\n"
		}
		nodes = strings.TrimPrefix(after, "\n")
	}
	s := assembledLines(top) + "nodes:\n"
	if strings.Contains(nodes, "vm1") {
		return s + nodes + "\n"
	}
	if nodes != "" {
		nodes += "\n"
	}
	return s + "  vm1:\n" + assembledLines(vm1) + "  vm2:\n" + assembledLines(vm2) + nodes
}

func assembledLines(m map[string]string) string {
	var l []string
	for _, v := range m {
		if v != "" {
			l = append(l, v+"\n")
		}
	}
	slices.Sort(l)
	return strings.Join(l, "")
}
