package model

import "strings"

// commands implements Commands. What the sysctl was before is in the tool's own memory:
// a deletion gives back what is known of it.
func (s Sysctl) commands(step Step) []Command {
	value, ok := s.Value.Get()
	if step.Op == OpDelete {
		value, ok = s.Saved.Get()
	}
	if !ok {
		return nil
	}
	return []Command{SysctlCommand(s.Netns, s.Name, value)}
}

// SysctlCommand sets a sysctl. sysctl(8) takes what comes after the first "=" for the
// value: a device with one in its name needs the file itself.
func SysctlCommand(netns, name, value string) Command {
	if strings.Contains(name, "=") {
		return command(netns, "sh", "-c", `printf '%s\n' "$1" >"$0"`, "/proc/sys/"+swapSlashes(name), value)
	}
	return command(netns, "sysctl", "-q", "-w", name+"="+value)
}

// swapSlashes turns a name with dots into a path, in which "/" stood for a dot.
func swapSlashes(name string) string { return strings.NewReplacer(".", "/", "/", ".").Replace(name) }

// SysctlQuery prints the value of a sysctl.
func SysctlQuery(netns, name string) Command {
	if strings.Contains(name, "=") {
		return command(netns, "sh", "-c", `read -r v <"$0" && printf '%s\n' "$v"`, "/proc/sys/"+swapSlashes(name))
	}
	return command(netns, "sysctl", "-n", name)
}
