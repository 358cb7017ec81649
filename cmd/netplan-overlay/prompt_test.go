package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// person sits at a terminal from which the program was started.
type person struct {
	h        *host
	cmd      *exec.Cmd
	keyboard *os.File
	screen   string // a file
}

// person starts a command that asks.
func (h *host) person(args ...string) *person {
	h.w.t.Helper()
	t := h.w.t
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	keyboard, terminal := newTerminal(t)
	screen, err := os.CreateTemp(t.TempDir(), "screen")
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	cmd := exec.Command(self, append(args, "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())...)
	cmd.Env = append(os.Environ(), asTool+"=1", "NO_COLOR=1", "SSH_CONNECTION="+h.session)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := h.door.In("", cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it may have ended before
	})
	return &person{h: h, cmd: cmd, keyboard: keyboard, screen: screen.Name()}
}

// newTerminal returns both ends of a terminal (pty(7)).
func newTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

// reads returns what the screen shows.
func (p *person) reads() string {
	p.h.w.t.Helper()
	b, err := os.ReadFile(p.screen)
	if err != nil {
		p.h.w.t.Fatal(err)
	}
	return string(b)
}

// isAsked waits until the program has asked so many times.
func (p *person) isAsked(times int) {
	p.h.w.t.Helper()
	p.h.w.until("the question is asked", func() bool {
		return strings.Count(p.reads(), `Only "yes" is accepted: `) >= times
	})
}

func (p *person) types(keys string) {
	p.h.w.t.Helper()
	if _, err := p.keyboard.WriteString(keys); err != nil {
		p.h.w.t.Fatal(err)
	}
}

// ends waits for the end of the program, and returns its exit code.
func (p *person) ends() int {
	p.h.w.t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.cmd.Wait() }()
	p.h.w.until("the program has ended", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

// Only yes is yes. Whoever is asked can end the program as any other one, which then has
// changed nothing, and lets others to the host.
func TestPrompt(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	before := h.settledTruth()
	for _, c := range []struct {
		name   string
		answer func(*person)
	}{
		{"no", func(p *person) { p.types("no\n") }},
		{"the end of the input", func(p *person) { p.types("\x04") }},
		{"an interrupt", func(p *person) { p.types("\x03") }},
		{"SIGTERM", func(p *person) {
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := h.person("apply", "-f", file)
			p.isAsked(1)
			c.answer(p)
			if code := p.ends(); code != exitError || !strings.Contains(p.reads(), "not approved: nothing was changed") {
				t.Errorf("exit code %d\n%s", code, p.reads())
			}
			if d := lineDiff(before, h.truth()); len(d) > 0 {
				t.Errorf("it has changed the host:\n%s", strings.Join(d, "\n"))
			}
		})
	}
	p := h.person("apply", "-f", file, "--lock-timeout", "0s")
	p.isAsked(1)
	p.types("yes\n")
	if code := p.ends(); code != exitOK || !strings.Contains(p.reads(), "Done: ") {
		t.Errorf("exit code %d\n%s", code, p.reads())
	}
	h.converged(file)
}

// What is done is what was shown, to the host as it was shown: if that has changed while
// somebody read, he is asked again.
func TestChangedAtThePrompt(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	const again = "The host has changed meanwhile. What is to be done now:"
	const route = "172.246.0.0/24"

	h.ip("link", "set", "br245", "mtu", "1300")
	p := h.person("apply", "-f", file)
	p.isAsked(1)
	h.ip("route", "del", route)
	p.types("yes\n")
	p.isAsked(2)
	if shown := p.reads(); strings.Count(shown, again) != 1 || strings.Count(shown, "route "+route) != 1 {
		t.Errorf("the new plan isn't shown:\n%s", shown)
	}
	p.types("yes\n")
	if code := p.ends(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.reads())
	}
	h.converged(file)

	h.ip("link", "set", "br245", "mtu", "1300")
	p = h.person("apply", "-f", file)
	p.isAsked(1)
	h.ip("link", "set", "br245", "mtu", "1450")
	p.types("yes\n")
	if code := p.ends(); code != exitOK || !strings.Contains(p.reads(), again) || !strings.Contains(p.reads(), "No changes.") {
		t.Errorf("exit code %d, where nothing is to be done any more\n%s", code, p.reads())
	}

	h.ip("route", "del", route)
	p = h.person("apply", "-f", file)
	p.isAsked(1)
	h.ip("route", "add", route, "via", "192.168.32.246")
	p.types("yes\n")
	if code := p.ends(); code != exitError || strings.Count(p.reads(), again) != 1 || !strings.Contains(p.reads(), "! ") {
		t.Errorf("exit code %d, where something is in conflict now\n%s", code, p.reads())
	}
}
