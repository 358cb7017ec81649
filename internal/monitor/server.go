package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// The limits of a connection: who is slow, or says too much, is not waited for.
const (
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second
	answerTime  = time.Minute     // a loop that hangs is told of after half of it
	idleTime    = 2 * time.Minute // longer than Prometheus waits between two scrapes
	maxHeader   = 16 << 10        // bytes
	endTime     = time.Second
)

// server answers on one listener.
type server struct {
	http  *http.Server
	ended chan struct{}
}

// serve begins to answer; what it fails of, but for being ended, goes to failed.
func (m *Monitor) serve(l net.Listener, failed chan<- error) *server {
	s := &server{ended: make(chan struct{}), http: &http.Server{
		Handler: m.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(m.c.Log.Handler(), slog.LevelDebug),
	}}
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve the status: %w", err)
		}
	}()
	return s
}

// end lets answers be finished for a while.
func (s *server) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.ended
	return err
}

// handler answers GET and HEAD on four paths, and nothing else.
func (m *Monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.all, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.c.Log.Handler(), slog.LevelError), MaxRequestsInFlight: 4, Timeout: requestTime,
	}))
	mux.HandleFunc("GET /status", m.status)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, m.health()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, m.readiness()) })
	return mux
}

func (m *Monitor) status(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := render.StatusJSON(&b, m.c.Status()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.Bytes()) // whoever has asked is gone
}

// answer says "ok", or why not.
func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, printable(err.Error()), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, "ok")
}

// printable takes out what could command the terminal of whoever asks with curl.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// health says whether the process does its work, well or not: a failing host is none of
// its business, since starting anew would not help that.
func (m *Monitor) health() error {
	if m.c.Alive == nil {
		return nil
	}
	return m.c.Alive()
}

// readiness says whether the overlay of this host can be relied on: it is as the revision
// in force says. A host that differs is not ready, whether that is about to be put right
// or, in a dry run, left so. A file that is not in force takes nothing away.
func (m *Monitor) readiness() error {
	s := m.c.Status()
	if s.State != status.InSync {
		if s.Reason != "" {
			return fmt.Errorf("%s: %s", s.State, s.Reason)
		}
		return errors.New(string(s.State))
	}
	if m.c.Ready == nil {
		return nil
	}
	return m.c.Ready()
}
