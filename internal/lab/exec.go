package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// A client sends one request, with its stdin, stdout and stderr beside it, and then
// signals; the lab sends one answer. Each is a line of JSON.

// request asks for a command inside a host.
type request struct {
	Node  string   `json:"node"`
	Netns string   `json:"netns"`
	Argv  []string `json:"argv"`
	Env   []string `json:"env"`
	Dir   string   `json:"dir"`
}

type signalled struct {
	Signal int `json:"signal"`
}

type answer struct {
	Code  int    `json:"code"`
	Error string `json:"error,omitempty"`
}

// Exec runs a command inside a running lab and returns its exit code. target is
// NODE or NODE/NAMESPACE; name is the lab's, "" the only one that runs. Signals go to
// the command, and it is for that to end.
func Exec(name, target string, argv []string) (int, error) {
	if name == "" {
		var err error
		if name, err = onlyLab(); err != nil {
			return 0, err
		}
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socketName(name), Net: "unix"})
	if err != nil {
		return 0, fmt.Errorf("no lab of the topology %s is running; start one in another terminal: netplan-overlay lab up", name)
	}
	defer conn.Close()
	if uid, err := peerUser(conn); err != nil || uid != os.Geteuid() { // anybody may take the name
		return 0, errors.Join(err, fmt.Errorf("what listens for the lab of the topology %s belongs to the user %d", name, uid))
	}
	dir, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	node, netns, _ := strings.Cut(target, "/")
	b, err := json.Marshal(request{Node: node, Netns: netns, Argv: argv, Env: os.Environ(), Dir: dir})
	if err != nil {
		return 0, err
	}
	if _, _, err := conn.WriteMsgUnix([]byte{'\n'}, syscall.UnixRights(0, 1, 2), nil); err != nil {
		return 0, fmt.Errorf("ask the lab: %w", err)
	}
	if _, err := conn.Write(append(b, '\n')); err != nil {
		return 0, fmt.Errorf("ask the lab: %w", err)
	}
	forwardSignals(conn)
	return await(conn)
}

// forwardSignals sends on what the terminal sends us: the command is in no process
// group of ours.
func forwardSignals(conn *net.UnixConn) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		for s := range signals {
			b, err := json.Marshal(signalled{int(s.(syscall.Signal))})
			if err != nil {
				return
			}
			if _, err := conn.Write(append(b, '\n')); err != nil {
				return
			}
		}
	}()
}

func await(conn *net.UnixConn) (int, error) {
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return 0, errors.New("the lab ended while the command was running")
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return 0, fmt.Errorf("read the lab's answer: %w", err)
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	return a.Code, nil
}

// onlyLab finds the one lab of this user's that is running.
func onlyLab() (string, error) {
	b, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return "", fmt.Errorf("look for running labs: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), " @"+socketPrefix()); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return "", errors.New("no lab is running; start one in another terminal: netplan-overlay lab up -f FILE")
	case 1:
		return names[0], nil
	}
	slices.Sort(names)
	return "", fmt.Errorf("several labs are running: %s; say which with -f FILE", strings.Join(names, ", "))
}
