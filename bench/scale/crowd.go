package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// measureCrowd measures a host with many namespaces.
func measureCrowd(ctx context.Context, o options, r *results, n, runs int) (err error) {
	h, err := newHost(o.bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	file, err := h.write("topology.yaml", crowd(n))
	if err != nil {
		return err
	}
	for began, i := time.Now(), 0; i < runs && !late(began, i); i++ {
		for _, c := range []struct{ way, command string }{
			{"apply", "apply --auto-approve"}, {"plan", "plan"}, {"destroy", "destroy --auto-approve"},
		} {
			x, _, err := h.program(ctx, file, strings.Fields(c.command)...)
			if err != nil {
				return err
			}
			r.add("namespaces", n, c.way, x)
		}
		if err := h.shell(ctx, r, n); err != nil {
			return err
		}
	}
	r.tell("namespaces", n)
	return nil
}

// shell makes and removes the same by ip: what is outside of the namespaces in one batch,
// and one more process for what is inside of each.
func (h *host) shell(ctx context.Context, r *results, n int) error {
	var outside, inside, away strings.Builder
	outside.WriteString("link add br0 type bridge\naddress add 100.64.0.1/16 dev br0\nlink set br0 up\n")
	for i := range n {
		name := fmt.Sprintf("bench-%d-c%d", os.Getpid(), i)
		fmt.Fprintf(&outside, "netns add %s\nlink add v%d type veth peer name eth0 netns %[1]s\nlink set v%[2]d master br0 up\n", name, i)
		fmt.Fprintf(&inside, "ip -n %s -batch - <<E\nlink set lo up\nlink set eth0 up\naddress add %s/16 dev eth0\nroute add default via 100.64.0.1\nE\n", name, crowdAddress(i))
		fmt.Fprintf(&away, "netns delete %s\n", name)
	}
	away.WriteString("link delete br0\n")
	var errs [3]error
	var paths [3]string
	for i, text := range []string{outside.String(), inside.String(), away.String()} {
		paths[i], errs[i] = h.write(fmt.Sprintf("shell%d", i), text)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	x, _, err := h.timed(ctx, "sh", "-ec", "ip -batch "+paths[0]+"; . "+paths[1])
	if err != nil {
		return err
	}
	r.add("namespaces", n, "ip, making", x)
	// The kernel takes the veths of deleted namespaces away later (cleanup_net,
	// net/core/net_namespace.c): the program waits for that, too.
	x, _, err = h.timed(ctx, "sh", "-ec", "ip -batch "+paths[2]+"; while ip link show type veth | grep -q ' v[0-9]'; do sleep 0.01; done")
	r.add("namespaces", n, "ip, removing", x)
	return err
}
