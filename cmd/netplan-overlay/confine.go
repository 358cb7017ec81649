package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/lab"
)

// reading is what it takes to read the files of whoever uses sudo, which root without
// any capability may not. It is given up when they are read.
const reading = kernel.CapDACReadSearch

// needs returns what a command needs beside its files. What is not here needs nothing:
// validate, render, version, completion, help, and lab exec, which only asks the lab.
func (c *common) needs(command string) kernel.Confinement {
	const changing = kernel.CapNetAdmin | kernel.CapSysAdmin
	switch command {
	case "observe":
		return kernel.Confinement{Keep: kernel.CapSysAdmin}
	case "plan":
		return kernel.Confinement{Keep: kernel.CapSysAdmin | c.output}
	case "verify":
		return kernel.Confinement{Keep: kernel.CapSysAdmin | kernel.CapNetRaw}
	case "apply", "destroy":
		return kernel.Confinement{Keep: changing}
	case "lab test":
		if lab.Inside() {
			return kernel.Confinement{Keep: changing | kernel.CapNetRaw}
		}
		return kernel.Confinement{Keep: changing, Heirs: changing | kernel.CapNetRaw | kernel.CapSetPCap | reading}
	case "lab up":
		// Whoever runs a command in the lab wants it to be able to do what he can.
		return kernel.Confinement{Keep: changing | kernel.CapNetRaw | kernel.CapKill, Heirs: kernel.AllCapabilities}
	}
	return kernel.Confinement{}
}

// confine gives up what the command that the arguments name doesn't need, before
// anything is read. Commands that cobra adds by itself need nothing.
func (c *common) confine(root *cobra.Command, args []string) error {
	cmd, _, err := root.Find(args)
	if err != nil || cmd == root || cmd.Name() == "version" {
		return c.giveUp(kernel.Confinement{})
	}
	c.command = strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
	c.output = kernel.CapDACOverride // whether there is a flag --out is not known yet
	n := c.needs(c.command)
	n.Keep |= reading
	return c.giveUp(n)
}

// filesRead gives up what only reading files needed.
func (c *common) filesRead() error { return c.giveUp(c.needs(c.command)) }

func (c *common) giveUp(n kernel.Confinement) error {
	err := kernel.Confine(n)
	if errors.Is(err, kernel.ErrCgo) {
		c.ui.log().Info(err.Error())
		return nil
	}
	return err
}
