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

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// host is a network namespace that stands for a host, and has one of its own, "one".
type host struct {
	netns string // its name below /run/netns
	dir   string // its files, and the directory of its own namespaces
	file  string // the topology
	door  *kernel.Host
}

// inner is the host's own namespace.
const inner = "one"

// newHost makes a host with an underlay device that is up. Close it.
func newHost(topology string) (*host, error) {
	sweep()
	h := &host{netns: fmt.Sprintf("bench-%d-%x-host", os.Getpid(), time.Now().UnixNano())}
	err := h.make(topology)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *host) make(topology string) error {
	far := h.far()
	var err error
	// The tool has its files in /run, which is in memory on most hosts, not on all.
	if h.dir, err = os.MkdirTemp("/run", fmt.Sprintf("bench-%d-", os.Getpid())); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", h.dir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", h.dir, err)
	}
	if err := os.MkdirAll(h.netnsDir(), 0o755); err != nil {
		return err
	}
	for _, c := range []string{
		"netns add " + h.netns, "netns add " + far,
		"-n " + h.netns + " link set lo up",
		"-n " + far + " link add port type veth peer name eth0 netns " + h.netns,
		"-n " + far + " link set port up",
		"-n " + h.netns + " link set eth0 up",
		"-n " + h.netns + " address add " + underlay + " dev eth0",
	} {
		if err := run("ip", strings.Fields(c)...); err != nil {
			return err
		}
	}
	h.file = filepath.Join(h.dir, "topology.yaml")
	if err := os.WriteFile(h.file, []byte(topology), 0o600); err != nil {
		return err
	}
	h.door, err = kernel.Open(kernel.Options{Root: h.root(), NetnsDir: h.netnsDir()})
	return err
}

func (h *host) far() string      { return strings.TrimSuffix(h.netns, "host") + "far" }
func (h *host) root() string     { return filepath.Join(kernel.DefaultNetnsDir, h.netns) }
func (h *host) netnsDir() string { return filepath.Join(h.dir, "netns") }
func (h *host) runDir() string   { return filepath.Join(h.dir, "run") }

// Close takes everything away again.
func (h *host) Close() error {
	if h.door != nil {
		_ = h.door.Close()
	}
	var errs []error
	if h.dir != "" {
		errs = append(errs, removeDir(h.dir))
	}
	for _, name := range []string{h.netns, h.far()} {
		if _, err := os.Stat(filepath.Join(kernel.DefaultNetnsDir, name)); err == nil {
			errs = append(errs, run("ip", "netns", "delete", name))
		}
	}
	return errors.Join(errs...)
}

// removeDir takes a host's directory away, with what is mounted there.
func removeDir(dir string) error {
	for _, path := range []string{filepath.Join(dir, "netns", inner), filepath.Join(dir, "netns"), dir} {
		_ = syscall.Unmount(path, syscall.MNT_DETACH) // need not be there
	}
	return os.RemoveAll(dir)
}

// sweep removes what runs have left that were killed.
func sweep() {
	for _, pattern := range []string{kernel.DefaultNetnsDir + "/bench-*", "/run/bench-*"} {
		left, _ := filepath.Glob(pattern) // it is well formed
		for _, path := range left {
			var pid int
			if n, _ := fmt.Sscanf(filepath.Base(path), "bench-%d-", &pid); n != 1 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
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

// run runs a command of the machine.
func run(name string, args ...string) error {
	if b, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, b)
	}
	return nil
}

// command is a command within the host, which dies with this process: the thread that
// starts it must not end before.
func (h *host) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--net=" + h.root(), name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// flags are those of the tool that say which host it is.
func (h *host) flags() []string {
	return []string{"-f", h.file, "--node", node, "--netns-dir", h.netnsDir(), "--run-dir", h.runDir()}
}
