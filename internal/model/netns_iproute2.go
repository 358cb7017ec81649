package model

// commands implements Commands. The door marks lo before the namespace has a name; ip
// can do so only afterwards.
func (n Netns) commands(s Step) []Command {
	if s.Op == OpDelete {
		return []Command{command("", "ip", "netns", "delete", n.Name)}
	}
	var l []Command
	var was Netns
	if s.Op == OpCreate {
		l = append(l, command("", "ip", "netns", "add", n.Name))
	} else {
		was = s.Before.(Netns)
	}
	var args arguments
	option(&args, "alias", differing(was.Alias, n.Alias))
	toggle(&args, differing(was.LoUp, n.LoUp), "up", "down")
	if len(args) > 0 {
		l = append(l, command(n.Name, append([]string{"ip", "link", "set", "dev", "lo"}, args...)...))
	}
	return l
}
