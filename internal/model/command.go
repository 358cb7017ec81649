package model

import "slices"

// Command is a command of iproute2 or sysctl(8).
type Command struct {
	Netns string   // the network namespace that it runs in; "" is the host's own
	Argv  []string // the command as it is within the namespace: "ip", "link", "set"...

	// Mark are further arguments at the end that only a newer iproute2 knows (the
	// protocol of an address, as of 6.4). Without them the object carries no mark.
	Mark []string
	// Hold is a sysctl that has to have the value while the command runs, and gets back
	// what it had; the zero Sysctl: none.
	Hold Sysctl
	// Or are the commands to be run where the kernel refuses this one; nil: none.
	Or []Command
	// Comment says what is not obvious, in a line without a full stop; "": nothing.
	Comment string
}

// Commands returns the commands that do what the kernel's door does for a step, in
// order. What goes along with the step by itself, its Lost and Released, needs none. A
// step that only the tool's own memory knows of has none either: to forget what a sysctl
// was.
func Commands(s Step) []Command {
	if o, ok := s.Object().(interface{ commands(s Step) []Command }); ok {
		return o.commands(s)
	}
	return nil
}

// Args returns the whole command, with what enters the namespace, without Mark.
func (c Command) Args() []string {
	switch {
	case c.Netns == "":
		return c.Argv
	case c.Argv[0] == "ip" || c.Argv[0] == "bridge":
		return slices.Concat(c.Argv[:1], []string{"-n", c.Netns}, c.Argv[1:])
	}
	return slices.Concat([]string{"ip", "netns", "exec", c.Netns}, c.Argv)
}

// command returns a command without comment.
func command(netns string, argv ...string) Command { return Command{Netns: netns, Argv: argv} }

// arguments are what follows the words of a command.
type arguments []string

// option appends a word and its value, where one is specified.
func option[T comparable](l *arguments, word string, o Opt[T]) {
	if v, ok := o.Get(); ok {
		*l = append(*l, word, attrString(v))
	}
}

// toggle appends one of two words, where a value is specified.
func toggle(l *arguments, o Opt[bool], on, off string) {
	if v, ok := o.Get(); ok && v {
		*l = append(*l, on)
	} else if ok {
		*l = append(*l, off)
	}
}

// differing returns now, but open where it is what it was.
func differing[T comparable](was, now Opt[T]) Opt[T] {
	if was == now {
		return Opt[T]{}
	}
	return now
}
