package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// allowEmpty adds the flag --allow-empty to a command.
func allowEmpty(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "allow-empty", false, "go on where the topology has no nodes, or lacks this one, or has nothing for it: all that was made here goes")
}

// mgmtPeers adds the flag --mgmt-peer to a command.
func (c *common) mgmtPeers(cmd *cobra.Command) {
	cmd.Flags().Var(&c.peers, "mgmt-peer", "address from which this host is managed, beside that of the SSH connection: the way to it is kept, too; repeatable")
}

// managed returns the connections by which the host is managed.
func (c *common) managed() []model.Session {
	l := slices.Clone(c.sessions)
	for _, a := range c.peers {
		l = append(l, model.Session{Client: a})
	}
	return l
}

// addresses is a flag of IP addresses, which can be repeated or have commas.
type addresses []netip.Addr

// String implements pflag.Value.
func (l *addresses) String() string {
	var s []string
	for _, a := range *l {
		s = append(s, a.String())
	}
	return strings.Join(s, ",")
}

// Set implements pflag.Value.
func (l *addresses) Set(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(one))
		if err != nil {
			return fmt.Errorf("%q is no IP address", one)
		}
		*l = append(*l, a.Unmap())
	}
	return nil
}

// Type implements pflag.Value.
func (*addresses) Type() string { return "address" }
