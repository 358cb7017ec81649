package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/daemon"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// profileVar names a file into which keep writes a CPU profile.
const profileVar = "BENCH_CPUPROFILE"

// keep is the loop of watch in this process. The command's own would leave an object
// alone that is broken 5 times in a minute, and not keep at disruptive changes for long.
func keep(ctx context.Context, dir, root string) error {
	const most = 1 << 20
	if path := os.Getenv(profileVar); path != "" {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	d, err := daemon.New(daemon.Config{
		Paths: []string{filepath.Join(dir, "topology.yaml")}, Node: node,
		Place:         reconcile.Place{Root: root, NetnsDir: filepath.Join(dir, "netns"), RunDir: filepath.Join(dir, "run")},
		ApproveImpact: model.ImpactDisruptive, Interval: time.Hour,
		Limits: daemon.Limits{Contested: most, Disruptive: most},
		Log:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		return err
	}
	return errors.Join(d.Run(ctx), d.Close())
}

// process is one that this one has started.
type process struct {
	*exec.Cmd
	log string
}

// start starts a command, whose output goes into a file of the host.
func (h *host) start(cmd *exec.Cmd, name string) (*process, error) {
	p := &process{cmd, filepath.Join(h.dir, name+".log")}
	f, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	return p, cmd.Start()
}

// keeper starts keep in a process of its own.
func (h *host) keeper() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return h.start(h.command(self, "keep", h.dir, h.root()), "keep")
}

// end ends the process, and returns what went wrong in it.
func (p *process) end() error {
	_ = p.Process.Signal(os.Interrupt)
	late := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
	defer late.Stop()
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", p.Path, err, tail(p.log))
	}
	return nil
}

// tail is the end of a file.
func tail(path string) string {
	const most = 2000
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}

// says waits until a process has said something.
func (p *process) says(ctx context.Context, text string) error {
	for range 600 {
		if b, _ := os.ReadFile(p.log); contains(b, text) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s has not said %q: %s", p.Path, text, tail(p.log))
}
