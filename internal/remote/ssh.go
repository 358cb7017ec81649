package remote

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

// SSH runs a command on other hosts, by the system's ssh with its own configuration: keys,
// jump hosts and shared connections are that's.
type SSH struct {
	// Command is what the remote shell runs the program with: "sudo -n netplan-overlay".
	Command string
	// Timeout is how long a host may take, from connecting to the last byte.
	Timeout time.Duration
	// Parallel is how many hosts are asked at a time.
	Parallel int
	// Most is how many bytes of an answer are kept.
	Most int
}

// Request is a command for a host.
type Request struct {
	Host string   // as ssh takes it: [USER@]HOST
	Args []string // of the program
}

// Answer is what a host said.
type Answer struct {
	Out []byte
	Err error
}

// lingering is how long is waited for the ends of pipes after ssh itself has ended: a
// shared connection (ControlPersist) keeps them.
const lingering = 500 * time.Millisecond

// Ask runs the requests, and returns an answer for each.
func (s SSH) Ask(ctx context.Context, requests []Request) []Answer {
	answers := make([]Answer, len(requests))
	free := make(chan struct{}, max(1, s.Parallel))
	var w sync.WaitGroup
	for i, r := range requests {
		free <- struct{}{}
		w.Go(func() {
			answers[i] = s.one(ctx, r)
			<-free
		})
	}
	w.Wait()
	return answers
}

// CheckHost refuses what ssh could take for an option, or a shell for more than a word.
func CheckHost(host string) error {
	switch {
	case host == "":
		return errors.New("an empty host name")
	case strings.HasPrefix(host, "-"):
		return fmt.Errorf("the host %q begins with -, and ssh would take it for an option", host)
	case strings.ContainsFunc(host, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("'\"`$\\;&|<>(){}", r)
	}):
		return fmt.Errorf("the host %q has a character that no host name has", host)
	}
	return nil
}

func (s SSH) one(ctx context.Context, r Request) Answer {
	if err := CheckHost(r.Host); err != nil {
		return Answer{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout="+strconv.Itoa(max(1, int(s.Timeout/time.Second))), "-T", "--", r.Host, s.line(r.Args))
	out, errs := &bounded{most: s.Most}, &bounded{most: maxMessage}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, errs, lingering
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with what it has started
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err != nil {
		return Answer{Err: s.explain(ctx, r.Host, err, errs.message())}
	}
	return Answer{Out: out.kept}
}

// line is the command line for the remote shell.
func (s SSH) line(args []string) string {
	line := s.Command
	for _, a := range args {
		line += " " + quoted(a)
	}
	return line
}

// quoted quotes a word for a POSIX shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@=", r))
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// explain says what went wrong, and on which side.
func (s SSH) explain(ctx context.Context, host string, err error, said string) error {
	if said == "" {
		said = err.Error()
	}
	var ended *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("ssh %s: no answer within %s", host, s.Timeout)
	case ctx.Err() != nil:
		return fmt.Errorf("ssh %s: %w", host, ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("ssh is not installed, or not in PATH")
	case !errors.As(err, &ended), ended.ExitCode() == 255: // ssh(1), EXIT STATUS
		return fmt.Errorf("ssh %s: %s", host, said)
	case ended.ExitCode() == 127:
		return fmt.Errorf("on %s: %s: say how the program is started there with --ssh-command", host, said)
	case strings.Contains(said, "unknown flag"):
		return fmt.Errorf("on %s: %s: the program there is too old for it", host, said)
	}
	return fmt.Errorf("on %s: %s", host, said)
}
