package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// netnsDir is where iproute2 has named namespaces (ip-netns(8)).
const netnsDir = "/run/netns"

// host is a network namespace that stands for a host.
type host struct {
	bin   string // the directory of the programs
	netns string // its name
	dir   string // its files, in memory
}

// newHost makes a host with an underlay device that is up. Close it.
func newHost(bin string) (*host, error) {
	h := &host{bin: bin, netns: fmt.Sprintf("bench-%d-%x-host", os.Getpid(), time.Now().UnixNano())}
	if err := h.make(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *host) make() error {
	var err error
	// The program has its files in /run, which is in memory on most hosts, not on all.
	if h.dir, err = os.MkdirTemp("/run", fmt.Sprintf("bench-%d-", os.Getpid())); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", h.dir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", h.dir, err)
	}
	if err := os.Mkdir(h.inner(), 0o755); err != nil {
		return err
	}
	for _, c := range []string{
		"netns add " + h.netns, "netns add " + h.far(),
		"-n " + h.netns + " link set lo up",
		"-n " + h.far() + " link add port type veth peer name eth0 netns " + h.netns,
		"-n " + h.far() + " link set port up",
		"-n " + h.netns + " link set eth0 up",
		"-n " + h.netns + " address add " + underlay + " dev eth0",
	} {
		if err := run("ip", strings.Fields(c)...); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) far() string             { return strings.TrimSuffix(h.netns, "host") + "far" }
func (h *host) root() string            { return filepath.Join(netnsDir, h.netns) }
func (h *host) inner() string           { return filepath.Join(h.dir, "netns") }
func (h *host) runDir() string          { return filepath.Join(h.dir, "run") }
func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

// write writes a file of the host, and returns its path.
func (h *host) write(name, text string) (string, error) {
	path := h.path(name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// ip runs ip within the host.
func (h *host) ip(args string) error {
	return run("ip", append([]string{"-n", h.netns}, strings.Fields(args)...)...)
}

// Close takes everything away again.
func (h *host) Close() error {
	var errs []error
	if h.dir != "" {
		errs = append(errs, removeDir(h.dir))
	}
	for _, name := range []string{h.netns, h.far()} {
		if _, err := os.Stat(filepath.Join(netnsDir, name)); err == nil {
			errs = append(errs, run("ip", "netns", "delete", name))
		}
	}
	return errors.Join(errs...)
}

// removeDir takes a host's directory away, with what is mounted there.
func removeDir(dir string) error {
	inside, _ := filepath.Glob(filepath.Join(dir, "netns", "*")) // it is well formed
	for _, path := range append(inside, filepath.Join(dir, "netns"), dir) {
		_ = syscall.Unmount(path, syscall.MNT_DETACH) // need not be mounted
	}
	return os.RemoveAll(dir)
}

// sweep removes what processes have left that are gone.
func sweep(gone func(pid int) bool) {
	for _, pattern := range []string{netnsDir + "/bench-*", "/run/bench-*"} {
		left, _ := filepath.Glob(pattern) // it is well formed
		for _, path := range left {
			var pid int
			if n, _ := fmt.Sscanf(filepath.Base(path), "bench-%d-", &pid); n != 1 || !gone(pid) {
				continue
			}
			if filepath.Dir(path) == "/run" {
				_ = removeDir(path)
			} else {
				_ = run("ip", "netns", "delete", filepath.Base(path))
			}
		}
	}
}

// dead says whether there is no such process.
func dead(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// own says whether it is this process.
func own(pid int) bool { return pid == os.Getpid() }

// run runs a command of the machine.
func run(name string, args ...string) error {
	if b, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, b)
	}
	return nil
}
