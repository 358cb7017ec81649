package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// PlanScript writes the plan as a POSIX shell script of the commands ip, bridge and
// sysctl, which do the same as apply would, in the same order. A plan that cannot be
// executed as it is has none: it is an error, and nothing is written.
func PlanScript(w io.Writer, n NodePlan) error {
	if n.Err != nil {
		return n.Err
	}
	t := &script{planText: planText{header: n.Header, plan: n.Plan}, told: map[string]bool{}}
	if t.blocked() {
		return fmt.Errorf("there is no script for a plan that cannot be executed: %s; --format text shows them",
			blockers(t.plan))
	}
	t.list = pointers(withIntents(n.Plan.Changes))
	t.head()
	t.guards()
	t.steps()
	t.end()
	return t.writeTo(w)
}

// commandLines are the commands of a plan, without what makes a script of them; nil for
// a plan that cannot be executed.
func commandLines(n NodePlan) []string {
	t := &script{planText: planText{header: n.Header, plan: n.Plan}, told: map[string]bool{}, bare: true}
	if t.blocked() {
		return nil
	}
	t.list = pointers(withIntents(n.Plan.Changes))
	t.steps()
	text := strings.TrimSpace(t.buf.String())
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// scripts writes the script of the one plan that there is.
func scripts(w io.Writer, plans []NodePlan) error {
	if len(plans) != 1 {
		return fmt.Errorf("a script is for one node: choose it with --node: %s", clean(nodeNames(plans, foldLimit)))
	}
	return PlanScript(w, plans[0])
}

// script is a plan on its way to a script.
type script struct {
	planText
	told map[string]bool // comments that have been made, once for all commands
	bare bool            // the commands alone, to be read: not what a script needs around them
}

// head says what the script is, and what it is not.
func (t *script) head() {
	t.printf("#!/bin/sh\n")
	h := t.header
	h.Basis = ""
	t.comment("%s: what netplan-overlay apply would do, in the same order", h.String())
	t.comment("")
	if t.header.Basis != "" {
		t.comment("It was not made on the host, but compared with %s:", t.header.Basis)
		t.comment("the host has to be as that tells.")
	}
	t.printf(`# Run it as root on that host. It needs ip, bridge and sysctl, named network
# namespaces in /run/netns, and the host as it was when this was written. It stops at
# the first command that fails, and undoes nothing: the next apply does what is left.
`)
	if t.has(func(s model.Step) bool { return s.Key().Kind == model.KindSysctl }) {
		t.printf(`# Unlike apply, it does not remember what sysctls were before: destroy leaves those
# that it has set as they are.
`)
	}
	t.printf("set -eu\n")
}

// has says whether there is such a step.
func (t *script) has(is func(model.Step) bool) bool {
	for _, s := range t.plan.Steps {
		if is(s) {
			return true
		}
	}
	return false
}

// guards stop the script where apply would, unless it is told otherwise, and find out
// what iproute2 can do.
func (t *script) guards() {
	if n := len(t.plan.Harmed); n > 0 {
		var l []string
		for _, h := range t.plan.Harmed {
			l = append(l, h.Object.Key().String()+", with "+h.Cause.String())
		}
		t.guard("ALLOW_HARM", "foreign objects go down with ours", l)
	}
	if n := len(t.plan.Touched); n > 0 {
		var l []string
		for _, x := range t.plan.Touched {
			l = append(l, x.Object.Key().String()+": "+x.Why)
		}
		t.guard("ALLOW_MGMT", "the connection by which this host is managed may be cut", l)
	}
	if t.has(marked) {
		t.printf("\n# The mark of an address, where iproute2 can set it (6.4 and later). An address without\n" +
			"# it has to be adopted: apply --adopt.\n" +
			"mark=\nif ip address show proto 157 >/dev/null 2>&1; then mark=yes; fi\n")
	}
}

// marked says whether a step needs a newer iproute2 to leave a mark.
func marked(s model.Step) bool {
	a, ok := s.After.(model.Address)
	return ok && a.Protocol.IsSet()
}

// guard asks for a variable in the environment.
func (t *script) guard(variable, what string, list []string) {
	t.printf("\n")
	t.comment("%s:", capitalized(what))
	for i, s := range list {
		if i == foldLimit && len(list) > i+1 {
			t.comment("  %s", others(len(list)-i, "object"))
			break
		}
		t.comment("  %s", s)
	}
	t.printf("if [ \"${%s-}\" != 1 ]; then\n\tprintf '%%s\\n' '%s: to go on, set %[1]s=1' >&2\n\texit 1\nfi\n", painted(variable), painted(what))
}

func capitalized(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// steps writes the commands, with what they are part of above them.
func (t *script) steps() {
	changes := t.byKey()
	heading := ""
	for _, s := range t.plan.Steps {
		c := changes[s.Key()]
		h := headingOf(c, s)
		if h != heading {
			t.printf("\n")
			t.comment("%s", h)
			heading = h
		}
		t.explain(c, s)
		for _, cmd := range model.Commands(s) {
			t.command(cmd)
		}
	}
}

// byKey returns the changes by their keys: of several for one key, what is not the
// kernel's doing.
func (t *script) byKey() map[model.Key]*diff.Change {
	m := make(map[model.Key]*diff.Change, len(t.list))
	for _, c := range t.list {
		if old := m[c.Key()]; old == nil || old.Implied {
			m[c.Key()] = c
		}
	}
	return m
}

// headingOf is what a step is part of: "peer vm2 (topology.yaml:9)".
func headingOf(c *diff.Change, s model.Step) string {
	switch {
	case c == nil || c.Intent == "" && c.Source == "":
		return "no longer in the topology"
	case c.Source == "":
		return c.Intent
	}
	return fmt.Sprintf("%s (%s)", c.Intent, c.Source)
}

// explain says what happens to an object that is there already, once, and what goes
// down with it.
func (t *script) explain(c *diff.Change, s model.Step) {
	if c != nil && s.Op != model.OpCreate {
		t.change(c)
	}
	if len(model.Commands(s)) == 0 {
		t.comment("nothing to do but to forget what it was")
	}
	var lost []string
	for i, o := range s.Lost() {
		if i == 3 && len(s.Lost()) > 4 {
			lost = append(lost, fmt.Sprintf("%d more", len(s.Lost())-i))
			break
		}
		lost = append(lost, o.Key().String())
	}
	if len(lost) > 0 {
		t.comment("the kernel takes along: %s", strings.Join(lost, "; "))
	}
}

// change says what happens to an object: "update link br0, mtu: 1500 -> 1400 (impact: brief)".
func (t *script) change(c *diff.Change) {
	what := []string{c.Action.String() + " " + c.Key().String()}
	for _, a := range c.Differences() {
		if !a.Mark && c.Action != diff.Delete {
			what = append(what, attrText(c.Key().Kind, a))
		}
	}
	why := reason(c) + "; "
	if c.Action == diff.Update && c.Cause == nil && len(what) > 1 {
		why = "" // what differs stands there already
	}
	t.comment("%s (%simpact: %s)", strings.Join(what, ", "), why, c.Impact)
}

// command writes a command, and what is around it.
func (t *script) command(c model.Command) {
	if t.bare {
		c = model.Command{Netns: c.Netns, Argv: slices.Concat(c.Argv, c.Mark), Comment: ownComment(c)}
	}
	if c.Comment != "" && !t.told[c.Comment] {
		t.told[c.Comment] = true
		t.comment("(%s)", c.Comment)
	}
	line := commandLine(c)
	if c.Hold != (model.Sysctl{}) {
		t.hold(c.Hold, line)
		return
	}
	if len(c.Or) > 0 {
		line += " || {"
		for _, or := range c.Or {
			line += "\n\t" + commandLine(or)
		}
		line += "\n}"
	}
	t.printf("%s\n", painted(line))
}

// ownComment is the comment, if it is not about what a script needs around the command.
func ownComment(c model.Command) string {
	if len(c.Or) > 0 || c.Hold != (model.Sysctl{}) {
		return ""
	}
	return c.Comment
}

// commandLine is the command alone.
func commandLine(c model.Command) string {
	line := shellLine(c.Args())
	if len(c.Mark) > 0 {
		line += " ${mark:+" + shellLine(c.Mark) + "}"
	}
	return line
}

// hold writes a command for whose time a sysctl has another value.
func (t *script) hold(s model.Sysctl, line string) {
	read := shellLine(model.SysctlQuery(s.Netns, s.Name).Args())
	set := shellLine(model.SysctlCommand(s.Netns, s.Name, s.Value.Value()).Args())
	back := model.SysctlCommand(s.Netns, s.Name, "")
	restore := strings.TrimSuffix(shellLine(back.Args()), "''") + `"$was"`
	t.printf("was=$(%s)\n%s\n%s || {\n\t%s\n\texit 1\n}\n%[4]s\n", painted(read), painted(set), painted(line), painted(restore))
}

// end says what was done.
func (t *script) end() {
	done := "nothing to do"
	if l := counts(t.plan.Summary(), [5]string{"added", "changed", "replaced", "destroyed", "adopted"}, false); len(l) > 0 {
		done = strings.Join(l, ", ")
	}
	h := t.header
	h.Files, h.Basis = nil, ""
	t.printf("\n%s\n", painted(shellLine([]string{"printf", `%s\n`, clean(h.String() + ": " + done)})))
}

// comment writes a line that the shell takes for a comment, whatever is in it.
func (t *script) comment(format string, args ...any) {
	for i, a := range args {
		args[i] = clean(fmt.Sprint(a))
	}
	t.printf("%s\n", painted(strings.TrimSpace("# "+fmt.Sprintf(format, args...))))
}
