package main

// The rules of the terminal:
//
//   - Results go to stdout, everything else to stderr.
//   - Colour is for people: --color, then NO_COLOR, then whether stdout is a
//     terminal. No symbol or word depends on it.
//   - An error is one message on stderr that begins with "Error: ", and the exit
//     code tells what became of the host.
//   - Nothing is asked where stdin is no terminal.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// The exit codes, the same for every command.
const (
	exitOK         = 0 // done; plan --detailed-exitcode: no changes
	exitError      = 1 // an error; nothing was changed
	exitChanges    = 2 // plan --detailed-exitcode: there are changes; status: the host isn't as its files say
	exitRolledBack = 3 // apply failed, everything was rolled back
	exitStuck      = 4 // apply failed, the roll-back is incomplete: look at the host
	exitStale      = 5 // the saved plan is stale; nothing was changed
)

// ui is what a command talks to.
type ui struct {
	in       io.Reader
	out, err io.Writer
	asks     bool // stdin is a terminal
	shows    bool // stdout is a terminal
	colour   string
	level    string
	maxBytes int           // of Markdown; 0: the usual
	onWrite  func() error  // asked before each request that changes something: an error refuses it; nil isn't
	answers  *bufio.Reader // reads from in; nil: nobody was asked yet
	running  *slog.Logger  // of a command that runs for long; nil: it doesn't
	onStep   func()        // told of each step that was tried; nil isn't
}

func terminal() *ui {
	return &ui{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		asks: kernel.IsTerminal(os.Stdin.Fd()), shows: kernel.IsTerminal(os.Stdout.Fd()),
	}
}

// coloured decides whether to colour the results.
func (u *ui) coloured() bool {
	switch {
	case u.colour == "always":
		return true
	case u.colour == "never", os.Getenv("NO_COLOR") != "":
		return false
	}
	return u.shows
}

func (u *ui) options() render.Options {
	return render.Options{Color: u.coloured(), MaxBytes: u.maxBytes}
}

// log returns the logger for what isn't a result.
func (u *ui) log() *slog.Logger {
	if u.running != nil {
		return u.running
	}
	return slog.New(slog.NewTextHandler(u.err, &slog.HandlerOptions{Level: u.logLevel()}))
}

func (u *ui) logLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(u.level)); err != nil {
		return slog.LevelWarn
	}
	return level
}

// debugs says whether what log tells at the level debug is told at all: of many thousand
// steps, it isn't even put into words.
func (u *ui) debugs() bool {
	if u.running != nil {
		return u.running.Enabled(context.Background(), slog.LevelDebug)
	}
	return u.level == "debug"
}

// warn tells something that doesn't stop the command.
func (u *ui) warn(format string, args ...any) {
	u.tell("Warning: "+format, args...)
}

// tell writes a line, or several, to stderr. Names in it may come from the kernel,
// which takes nearly any byte from whoever may set them, be it in a container: escape
// sequences must not reach a terminal.
func (u *ui) tell(format string, args ...any) {
	var b strings.Builder
	for _, r := range fmt.Sprintf(format, args...) {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	fmt.Fprintln(u.err, b.String())
}

// confirm asks a question that only "yes" answers. Whoever is asked may as well interrupt the
// program: that is no, too.
func (u *ui) confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(u.out, "%s Only \"yes\" is accepted: ", question)
	if u.answers == nil {
		u.answers = bufio.NewReader(u.in)
	}
	type answer struct {
		text string
		err  error
	}
	given := make(chan answer, 1)
	go func() { // a read that has begun cannot be given up
		text, err := u.answers.ReadString('\n')
		given <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(u.out)
		return false, nil
	case a := <-given:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return false, fmt.Errorf("read the answer: %w", a.err)
		}
		return ctx.Err() == nil && strings.TrimSpace(a.text) == "yes", nil
	}
}

// exit is an error that was told already, or isn't one: only its code counts.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitCode tells an error and returns the exit code for it.
func (u *ui) exitCode(err error) int {
	var code exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	u.tell("Error: %v", err)
	var failure *apply.Failure
	var differs *reconcile.NotConverged
	var stuck *reconcile.NotRecovered
	var stale *reconcile.StaleError
	var revoked *reconcile.Revoked
	var left *reconcile.NotRestored
	switch {
	case errors.As(err, &left):
		return exitStuck
	case errors.As(err, &revoked) && len(revoked.Stuck) == 0:
		return exitRolledBack
	case errors.As(err, &failure) && len(failure.Stuck) == 0:
		return exitRolledBack
	case revoked != nil, failure != nil, errors.As(err, &differs), errors.As(err, &stuck):
		return exitStuck
	case errors.As(err, &stale):
		return exitStale
	}
	return exitError
}
