package main

import (
	"errors"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/lab"
)

// reading is what it takes to read the files of whoever uses sudo, which root without
// any capability may not. It is given up when they are read.
const reading = kernel.CapDACReadSearch

// needs returns what a command needs beside its files. What is not here needs nothing:
// validate, schema, explain, nodes, render, version, completion, help, confirm, status, and lab exec, which only asks the
// lab. given says which flags it has.
func needs(command string, given func(flag string) bool) kernel.Confinement {
	const changing = kernel.CapNetAdmin | kernel.CapSysAdmin
	n := kernel.Confinement{}
	switch command {
	case "init":
		if given("out") || given("schema") {
			n.Keep = kernel.CapDACOverride
		}
	case "graph":
		if given("plan") {
			n.Keep = kernel.CapSysAdmin
		}
		if given("out") {
			n.Keep |= kernel.CapDACOverride
		}
	case "export":
		if !given("observed") {
			n.Keep = kernel.CapSysAdmin
		}
	case "observe":
		n.Keep = kernel.CapSysAdmin
		if given("out") {
			n.Keep |= kernel.CapDACOverride
		}
	case "plan":
		if given("base") || given("observed") || given("ssh") || given("all-nodes") {
			return n // looks at no kernel, and git and ssh need nothing
		}
		n.Keep = kernel.CapSysAdmin
		if given("out") {
			n.Keep |= kernel.CapDACOverride
		}
	case "verify":
		n.Keep = kernel.CapSysAdmin | kernel.CapNetRaw
	case "apply", "destroy":
		n.Keep = changing
		if given("verify") {
			n.Keep |= kernel.CapNetRaw
		}
		if given("confirm") { // the guard of the run
			n.Heirs = changing
		}
	case "watch": // it reads the files for as long as it lives, and probes peers
		n.Keep = changing | kernel.CapNetRaw | reading
		if given("metrics-textfile") {
			n.Keep |= kernel.CapDACOverride
		}
	case guardCommand:
		n.Keep = changing
	case "lab test":
		if lab.Inside() {
			return kernel.Confinement{Keep: changing | kernel.CapNetRaw}
		}
		return kernel.Confinement{Keep: changing, Heirs: changing | kernel.CapNetRaw | kernel.CapSetPCap | reading}
	case "lab up":
		// Whoever runs a command in the lab wants it to be able to do what he can.
		return kernel.Confinement{Keep: changing | kernel.CapNetRaw | kernel.CapKill, Heirs: kernel.AllCapabilities}
	}
	return n
}

// confine gives up what the command that the arguments name doesn't need, before
// anything is read. Commands that cobra adds by itself need nothing. The arguments are
// read a first time for that, with errors left to the second.
func (c *common) confine(args []string) error {
	ui := *c.ui
	root := newRootFor(&common{ui: &ui}, args)
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		return c.giveUpFirst(kernel.Confinement{})
	}
	_ = cmd.ParseFlags(rest)
	given := func(flag string) bool {
		f := cmd.Flags().Lookup(flag)
		return f != nil && fromEnvironment(f) == nil && f.Value.String() != f.DefValue
	}
	command := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
	c.needs = needs(command, given)
	n := c.needs
	if n.Keep&kernel.CapSysAdmin != 0 {
		// Before any right is given up: root may not look into the shell behind sudo without.
		c.sessions = kernel.Sessions()
	}
	if readsFiles(command, given) {
		n.Keep |= reading
	}
	return c.giveUpFirst(n)
}

// readsFiles says whether a command reads a topology, or a plan, at all.
func readsFiles(command string, given func(flag string) bool) bool {
	switch command {
	case "version", "confirm", "status", "init", "schema", "explain", "man", guardCommand:
		return false
	case "export":
		return given("observed")
	case "apply":
		return !given("recover")
	case "lab exec":
		return given("file")
	}
	return true
}

// filesRead gives up what only reading files needed; with cgo, that stays.
func (c *common) filesRead() error {
	if err := kernel.Confine(c.needs); !errors.Is(err, kernel.ErrCgo) {
		return err
	}
	return nil
}

func (c *common) giveUpFirst(n kernel.Confinement) error {
	err := kernel.ConfineFirst(n)
	if errors.Is(err, kernel.ErrCgo) {
		c.ui.warn("%v", err)
		return nil
	}
	return err
}
