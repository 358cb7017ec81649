package model

// commands implements Commands. A row that the device has learnt is nobody's, and
// replaced; the all-zero MAC may have many, so that there one is appended.
func (f FDBEntry) commands(s Step) []Command {
	verb := "replace"
	switch {
	case s.Op == OpDelete:
		verb = "delete"
	case f.MAC.IsZero():
		verb = "append"
	}
	args := arguments{"bridge", "fdb", verb, f.MAC.String(), "dev", f.Link}
	option(&args, "dst", f.Dst)
	args = append(args, "self")
	if s.Op != OpDelete {
		args = append(args, "permanent")
	}
	return []Command{command(f.Netns, args...)}
}
