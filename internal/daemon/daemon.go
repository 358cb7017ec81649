package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/logs"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/probe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// Config says what a Daemon keeps, and how.
type Config struct {
	Paths    []string // of the topology, as spec.Load takes them
	Node     string   // "": found out by the host's addresses and name
	Place    reconcile.Place
	StateDir string // where the last good topology is kept; "": nowhere
	Version  string // of the program

	// Options are what changes may do. Adopt counts for each revision.
	Options       reconcile.ApplyOptions
	ApproveImpact model.Impact  // what is worse is held back
	Interval      time.Duration // between full looks that nothing has asked for; 0: a minute
	DryRun        bool          // tell, and change nothing
	Limits        Limits
	Files         watch.Pace

	Log    *slog.Logger
	Notify Notifier // nil: nobody is told
	// Beat is how often Notify.Beat is called by the loop; 0: never.
	Beat time.Duration
	// Reload makes the loop read the files anew, and try again what it has given up.
	Reload <-chan os.Signal
}

// Limits are how much the loop does by itself; the zero value is the default.
type Limits struct {
	Contested  int           // repairs of one object in Window until it is left alone; 0: 5
	Window     time.Duration // 0: a minute
	Disruptive int           // disruptive changes that may come at once; 0: 3
	Refill     time.Duration // after which there may be one more; 0: a minute
	FirstRetry time.Duration // of what has failed; it doubles; 0: a second
	LastRetry  time.Duration // the longest; 0: five minutes
}

// Notifier is told how the service is doing: systemd's sd_notify(3).
type Notifier interface {
	Ready() error
	Reloading() error
	Stopping() error
	Status(text string) error
	Beat() error
}

// Daemon is the loop. Make one with New, Run it, then Close it.
type Daemon struct {
	c     Config
	host  *kernel.Host // to hear by, whatever the topology
	ear   *ear
	files *watch.Files

	force  *force          // what is kept; nil: nothing yet
	next   *topology       // what is tried as soon as what it lacks is there; nil: nothing
	held   *topology       // what a guard stands against, or has failed; whoever applies it by hand puts it in force
	byHand *topology       // what was found to be applied by hand
	stored *topology       // the last good one, as it was kept on disk; nil: none
	failed *status.Pending // a revision that was rolled back, and isn't tried again
	last   watch.Revision  // of the files
	before string          // digest of the files at a reload

	holds  holds
	fights fights
	tokens bucket // of disruptive changes

	dirty       reconcile.Concern // what was heard, and not yet looked at
	full, retry *time.Timer
	quiet       *time.Timer     // when dirty is looked at
	quietUntil  time.Time       // no look before, however much is heard
	tidy        *time.Timer     // when memory is given back
	credit      credit          // of looks
	pause       time.Duration   // before the last retry; 0: the last pass went well
	timers      int             // looks by the timer
	ready       bool            // the service manager knows that all is well
	read        <-chan struct{} // closed when the files were read for a reload; nil: none is on its way

	probes *probe.Engine
	asked  chan chan struct{} // by whoever wants to know whether the loop turns
	s      status.Status      // as the loop knows it
	writes uint64             // of hosts that were closed

	mu        sync.Mutex
	published *status.Status // as others see it
}

// New opens the host and begins to hear.
func New(c Config) (*Daemon, error) {
	c = c.orDefaults()
	host, err := kernel.Open(kernel.Options{Root: c.Place.Root, NetnsDir: c.Place.NetnsDir})
	if err != nil {
		return nil, err
	}
	d := &Daemon{c: c, host: host, asked: make(chan chan struct{}), holds: holds{}, fights: fights{}, tokens: bucket{size: c.Limits.Disruptive, refill: c.Limits.Refill}}
	d.c.Place.Trace = d.beating(c.Place.Trace)
	d.probes = probe.New(probe.Config{
		Open:    func(family int) (probe.Socket, error) { return host.OpenEcho("", family) },
		Changed: func(p status.Peer) { logs.Peer(c.Log, &p) },
	})
	k, err := watch.NewKernel(host, c.Place.NetnsDir)
	if err == nil {
		d.ear = &ear{Kernel: k, daemon: d}
		_, err = k.Follow([]string{""})
	}
	if err == nil {
		d.files, err = watch.NewFiles(c.Paths, c.Files)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.begin()
	return d, nil
}

func (c Config) orDefaults() Config {
	if c.Place.NetnsDir == "" {
		c.Place.NetnsDir = kernel.DefaultNetnsDir
	}
	or(&c.Interval, time.Minute)
	or(&c.Limits.Contested, 5)
	or(&c.Limits.Window, time.Minute)
	or(&c.Limits.Disruptive, 3)
	or(&c.Limits.Refill, time.Minute)
	or(&c.Limits.FirstRetry, time.Second)
	or(&c.Limits.LastRetry, 5*time.Minute)
	or(&c.Options.LockTimeout, 10*time.Second)
	if c.Notify == nil {
		c.Notify = nobody{}
	}
	return c
}

func or[T comparable](to *T, v T) {
	var zero T
	if *to == zero {
		*to = v
	}
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Ready() error        { return nil }
func (nobody) Reloading() error    { return nil }
func (nobody) Stopping() error     { return nil }
func (nobody) Status(string) error { return nil }
func (nobody) Beat() error         { return nil }

// beating makes a step a sign of life, too: a first run on a large host takes long.
func (d *Daemon) beating(trace func(model.Step, error)) func(model.Step, error) {
	last := time.Now()
	return func(s model.Step, err error) {
		if trace != nil {
			trace(s, err)
		}
		if d.c.Beat > 0 && time.Since(last) > d.c.Beat {
			last = time.Now()
			_ = d.c.Notify.Beat()
		}
	}
}

// Close gives everything back. The network stays as it is.
func (d *Daemon) Close() error {
	var errs []error
	if d.files != nil {
		errs = append(errs, d.files.Close())
	}
	if d.ear != nil {
		errs = append(errs, d.ear.Close())
	}
	if d.force != nil {
		errs = append(errs, d.force.Close())
	}
	return errors.Join(append(errs, d.host.Close())...)
}

// Run keeps the host until the context is over, which is no error.
func (d *Daemon) Run(ctx context.Context) error {
	revisions := make(chan watch.Revision)
	failed := make(chan error, 1)
	inner, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed <- d.files.Run(inner, func(r watch.Revision) {
			select {
			case revisions <- r:
			case <-inner.Done():
			}
		})
	}()
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		d.probes.Run(inner)
	}()
	defer func() { stop(); <-done; <-probed }()
	d.full, d.retry, d.quiet, d.tidy = time.NewTimer(d.jittered()), stopped(), stopped(), stopped()
	for _, t := range []*time.Timer{d.full, d.retry, d.quiet, d.tidy} {
		defer t.Stop()
	}
	beat := ticker(d.c.Beat)
	defer beat.Stop()
	for {
		d.publish()
		select {
		case <-ctx.Done():
			return d.stopping()
		case err := <-failed:
			if ctx.Err() != nil {
				return d.stopping()
			}
			return err
		case r := <-revisions:
			d.revision(ctx, r)
		case <-d.ear.Wake():
			d.hear(ctx, d.ear.Take())
		case e := <-d.ear.Netns():
			d.hear(ctx, d.netns(d.ear.Dir(e)))
		case <-d.ear.Missed():
			d.hear(ctx, []kernel.News{{Kind: kernel.Lost}})
		case <-d.full.C:
			d.timer(ctx)
		case <-d.retry.C:
			d.everything(ctx, status.PassRetry)
		case <-d.quiet.C:
			d.look(ctx)
		case <-d.tidy.C:
			debug.FreeOSMemory()
		case answer := <-d.asked:
			close(answer)
		case <-d.c.Reload:
			d.reload(ctx)
		case <-d.read:
			d.reloaded(ctx)
		case <-beat.C:
			_ = d.c.Notify.Beat() // systemd ends what it doesn't hear of
		}
	}
}

// aliveWithin is how long the loop may take for one thing: a look at everything on a large
// host, and the wait for another run's lock.
const aliveWithin = 30 * time.Second

// Alive says whether the loop turns. Any goroutine may ask.
func (d *Daemon) Alive() error {
	late := time.After(aliveWithin)
	answer := make(chan struct{})
	select {
	case d.asked <- answer:
		<-answer
		return nil
	case <-late:
		return fmt.Errorf("the loop has not turned for %v", aliveWithin)
	}
}

// Ready says what else than its own state keeps the host from being ready: its peers,
// where the topology wants that.
func (d *Daemon) Ready() error { return d.probes.Ready() }

// HostID is the inode of the host's root network namespace.
func (d *Daemon) HostID() (uint64, error) { return d.host.ID() }

func (d *Daemon) stopping() error {
	d.state(status.Stopping, "the process ends; the network stays as it is")
	d.publish()
	_ = d.c.Notify.Stopping()
	return nil
}

// jittered is the interval, a tenth more or less: hosts that were started together
// shall not look together for ever.
func (d *Daemon) jittered() time.Duration {
	return time.Duration(float64(d.c.Interval) * (0.9 + 0.2*rand.Float64()))
}

// stopped is a timer that doesn't run.
func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// ticker is time.NewTicker, but that 0 never ticks.
func ticker(every time.Duration) *time.Ticker {
	if every > 0 {
		return time.NewTicker(every)
	}
	t := time.NewTicker(time.Hour)
	t.Stop()
	return t
}

// netns lets go of a namespace that may be gone: an open handle would keep it alive.
func (d *Daemon) netns(news []kernel.News) []kernel.News {
	for _, n := range news {
		if d.force != nil {
			d.force.keeper.Host.Forget(n.Key.Name)
		}
	}
	return news
}

// wholeEach is how many looks by the timer there are for one that takes nothing for
// granted.
const wholeEach = 10

// timer looks at everything, as from time to time.
func (d *Daemon) timer(ctx context.Context) {
	d.full.Reset(d.jittered())
	if d.timers++; d.timers%wholeEach == 0 && d.force != nil {
		d.force.keeper.Doubt()
	}
	d.everything(ctx, status.PassTimer)
}

// reload reads the files anew, and tries again what was given up.
func (d *Daemon) reload(ctx context.Context) {
	if d.ready {
		_ = d.c.Notify.Reloading()
	}
	d.c.Log.Info("reloading")
	d.failed = nil
	d.release(func(*hold) bool { return true })
	if d.force != nil {
		d.force.keeper.Doubt()
	}
	d.before = d.last.Digest
	if read := d.files.Look(); read != nil {
		d.read = read
	}
	d.everything(ctx, status.PassSignal)
}

// reloaded says that what a reload has found in the files was taken. Who is not ready yet
// will say so when he is.
func (d *Daemon) reloaded(ctx context.Context) {
	d.read = nil
	if d.last.Sources != nil && d.last.Digest == d.before && d.next == nil {
		d.revision(ctx, d.last) // the same as before, which may have failed
	}
	if d.ready {
		_ = d.c.Notify.Ready()
	}
}
