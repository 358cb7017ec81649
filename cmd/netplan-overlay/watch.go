package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/daemon"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/service"
)

// defaultStateDir is where the last good topology is kept.
const defaultStateDir = "/var/lib/netplan-overlay"

const watchHelp = `Keeps this host as the topology's files say: when they change, whoever writes them and
however, and when somebody changes the kernel, within milliseconds. Only what the change
concerns is looked at, and only what differs is put right; from time to time (--interval)
everything is looked at all the same.

A revision of the files is applied as a whole or not at all. One that is invalid, or that
was tried and rolled back, is not tried again until it changes; what was in force before
stays so. Files that vanish change nothing. The last good topology is kept in --state-dir,
for a start at which the files are not there yet.

An object that cannot be put right doesn't stop the others: it is left alone, and tried
again after longer and longer pauses. What another program changes back 5 times in a
minute is left to it, and told. So are changes with a worse impact than --approve-impact,
until somebody runs apply. Of disruptive changes, at most --max-disruptive are made in as
many minutes.

SIGHUP reads the files anew, and tries again what was given up. SIGTERM and SIGINT end the
process; the network stays as it is.

Exit codes: 0 it was asked to end, 1 it could not begin, or the files could not be followed.`

// watching are the flags of watch.
type watching struct {
	changing
	adopt         bool
	dryRun        bool
	approveImpact string
	interval      time.Duration
	stateDir      string
	maxDisruptive int
	listen        string
	textfile      string
	logFormat     string
}

func newWatch(c *common) *cobra.Command {
	var f watching
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Keep this host as the topology asks, by file and by kernel event",
		Long:  watchHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.ui.running, err = c.ui.runningLog(cmd, f.logFormat); err != nil {
				return err
			}
			return c.watch(cmd.Context(), f)
		},
	}
	logFormat(cmd, &f.logFormat)
	cmd.Flags().DurationVar(&f.interval, "interval", time.Minute, "how often to look at everything, whatever happens")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "tell what differs, and change nothing")
	cmd.Flags().StringVar(&f.approveImpact, "approve-impact", "disruptive", "the worst that is done without asking: none, brief (flows may lose packets) or disruptive")
	cmd.Flags().IntVar(&f.maxDisruptive, "max-disruptive", 3, "how many disruptive changes may be made by itself in as many minutes")
	cmd.Flags().StringVar(&f.stateDir, "state-dir", defaultStateDir, `where the last good topology is kept; "": nowhere`)
	cmd.Flags().StringVar(&f.listen, "listen", "", "TCP address for metrics, health and status, such as 127.0.0.1:9101 (default: the unix socket alone)")
	cmd.Flags().StringVar(&f.textfile, "metrics-textfile", "", "file into which metrics are written, for node_exporter: /var/lib/node_exporter/netplan-overlay.prom")
	cmd.Flags().BoolVar(&f.adopt, "adopt", false, "take over foreign objects that have the right name and fit, without re-creating them")
	cmd.Flags().BoolVar(&f.allowHarm, "allow-harm", false, "go on although foreign objects go down with ours")
	cmd.Flags().BoolVar(&f.allowMgmt, "allow-mgmt", false, "go on although the default route may be cut")
	cmd.Flags().StringVar(&f.maxDestroy, "max-destroy", "", "refuse a revision that deletes more objects than N, or than N% of those there are")
	cmd.Flags().DurationVar(&f.lockTimeout, "lock-timeout", 10*time.Second, "how long to wait for another run on this host")
	allowEmpty(cmd, &f.allowEmpty)
	c.mgmtPeers(cmd)
	return cmd
}

func (c *common) watch(ctx context.Context, f watching) error {
	conf, err := c.daemonConfig(f)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	conf.Reload = hup
	notify, err := service.New()
	if err != nil {
		c.ui.warn("%v", err)
	}
	defer notify.Close()
	conf.Notify, conf.Beat = notify, notify.Every()
	d, err := daemon.New(conf)
	if err != nil {
		return err
	}
	return errors.Join(c.keep(ctx, d, f), d.Close())
}

// keep runs the loop, and lets it be seen meanwhile.
func (c *common) keep(ctx context.Context, d *daemon.Daemon, f watching) error {
	id, err := d.HostID()
	if err != nil {
		return err
	}
	m, err := monitor.New(monitor.Config{
		Status: d.Status, Alive: d.Alive, Ready: d.Ready, RunDir: c.runDir, Netns: id, Listen: f.listen, Textfile: f.textfile, Log: c.ui.log(),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		defer stop() // without its socket, nobody would know what it does
		served <- m.Serve(ctx)
	}()
	err = d.Run(ctx)
	stop()
	return errors.Join(err, <-served, m.Close())
}

func (c *common) daemonConfig(f watching) (daemon.Config, error) {
	var conf daemon.Config
	limit, err := reconcile.ParseLimit(f.maxDestroy)
	if err != nil {
		return conf, fmt.Errorf("--max-destroy: %w", err)
	}
	impact, err := model.ParseImpact(f.approveImpact)
	if err != nil {
		return conf, fmt.Errorf("--approve-impact: %w", err)
	}
	if f.interval < time.Second {
		return conf, fmt.Errorf("--interval %v: it is at least 1s", f.interval)
	}
	if f.maxDisruptive < 1 {
		return conf, fmt.Errorf("--max-disruptive %d: it is at least 1; --approve-impact brief makes none", f.maxDisruptive)
	}
	paths, err := c.watchedPaths()
	if err != nil {
		return conf, err
	}
	return daemon.Config{
		Paths: paths, Node: c.node, Place: c.place(), StateDir: f.stateDir, Version: version(),
		Options: reconcile.ApplyOptions{
			Adopt: f.adopt, AllowHarm: f.allowHarm, AllowMgmt: f.allowMgmt, AllowEmpty: f.allowEmpty, MaxDestroy: limit, LockTimeout: f.lockTimeout,
		},
		ApproveImpact: impact, Interval: f.interval, DryRun: f.dryRun,
		Limits: daemon.Limits{Disruptive: f.maxDisruptive}, Log: c.ui.log(),
	}, nil
}

// watchedPaths are those of the topology, which need not be there yet.
func (c *common) watchedPaths() ([]string, error) {
	if slices.Contains(c.files, "-") {
		return nil, errors.New("watch follows files; stdin cannot change: name a file or a directory with -f")
	}
	return c.paths()
}
