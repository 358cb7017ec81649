package monitor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Config says what is told, and where.
type Config struct {
	// Status is asked at each request, by any goroutine. What it returns is only read.
	Status func() *status.Status
	// Alive says whether the loop turns, for /healthz; nil: as long as it answers.
	Alive func() error
	// Ready says what else than the state keeps the host from being ready, for /readyz:
	// its peers. nil: nothing does.
	Ready func() error

	RunDir   string        // where the socket of the host is made; "": nowhere
	Netns    uint64        // the inode of the host's root network namespace: kernel.Host.ID
	Listen   string        // a TCP address, "127.0.0.1:9101"; "": none
	Textfile string        // a file for node_exporter's textfile collector; "": none
	Every    time.Duration // how often Textfile is written; 0: 15 s

	Log *slog.Logger // nil: nothing is told
}

// textfileEvery is Prometheus' usual interval between scrapes.
const textfileEvery = 15 * time.Second

// Monitor answers whoever asks how the host is. Make one with New, let it Serve, then
// Close it.
type Monitor struct {
	c         Config
	own       *prometheus.Registry // of the status alone
	all       prometheus.Gatherers // own, and of the process
	socket    *socket              // nil: none
	listeners []net.Listener
}

// New opens the socket and the address: from then on they can be connected to, and Serve
// answers. That another process watches the host already is an error which names it.
func New(c Config) (*Monitor, error) {
	if c.Every == 0 {
		c.Every = textfileEvery
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Monitor{c: c, own: prometheus.NewRegistry()}
	if err := m.own.Register(NewCollector(c.Status)); err != nil {
		return nil, err
	}
	process, err := processRegistry()
	if err != nil {
		return nil, err
	}
	m.all = prometheus.Gatherers{m.own, process}
	if err := m.open(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Monitor) open() error {
	if m.c.RunDir != "" {
		s, err := openSocket(m.c.RunDir, SocketName(m.c.Netns))
		if err != nil {
			return err
		}
		m.socket = s
		m.listeners = append(m.listeners, limited(s.listener, maxConnections))
	}
	if m.c.Listen != "" {
		l, err := listenTCP(m.c.Listen)
		if err != nil {
			return err
		}
		m.listeners = append(m.listeners, limited(l, maxConnections))
	}
	return nil
}

// Close removes the socket, and closes the address.
func (m *Monitor) Close() error {
	var errs []error
	for _, l := range m.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	m.listeners = nil
	if m.socket != nil {
		errs = append(errs, m.socket.Close())
		m.socket = nil
	}
	return errors.Join(errs...)
}

// Serve answers, and writes the text file, until the context is over, which is no error.
// Requests that are being answered then are finished, if that takes no longer than a
// second. The text file is removed: what it says is not so any more.
func (m *Monitor) Serve(ctx context.Context) error {
	servers := make([]*server, len(m.listeners))
	failed := make(chan error, len(m.listeners))
	for i, l := range m.listeners {
		servers[i] = m.serve(l, failed)
	}
	var err error
	select {
	case <-m.write(ctx):
	case err = <-failed:
	}
	for _, s := range servers {
		err = errors.Join(err, s.end())
	}
	return err
}

// write keeps the text file fresh until the context is over, and then closes the channel.
func (m *Monitor) write(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if m.c.Textfile == "" {
			<-ctx.Done()
			return
		}
		m.writeEach(ctx)
	}()
	return done
}
