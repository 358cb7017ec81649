package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sessionVar is what sshd sets for what it starts (ssh(1)).
const sessionVar = "SSH_CONNECTION"

// Sessions returns the SSH connections by which the process came to be started: by its
// own environment, if that has SSH_CONNECTION, even an empty one, else by those of its
// ancestors. sudo takes the variable away (env_reset, sudoers(5)), but not from the
// shell that sudo was started from.
func Sessions() []model.Session {
	if s, ok := os.LookupEnv(sessionVar); ok {
		return parsed(nil, s)
	}
	return ancestralSessions("/proc", os.Getppid())
}

// maxAncestors ends the walk where /proc tells of a circle.
const maxAncestors = 64

// ancestralSessions looks into a process and its ancestors. What cannot be read has
// none.
func ancestralSessions(proc string, pid int) []model.Session {
	var l []model.Session
	for range maxAncestors {
		if pid <= 1 {
			break
		}
		dir := filepath.Join(proc, strconv.Itoa(pid))
		b, _ := os.ReadFile(filepath.Join(dir, "environ"))
		for v := range bytes.SplitSeq(b, []byte{0}) {
			if s, ok := bytes.CutPrefix(v, []byte(sessionVar+"=")); ok {
				l = parsed(l, string(s))
			}
		}
		pid = parent(filepath.Join(dir, "stat"))
	}
	return l
}

// parsed adds a connection that is not there yet.
func parsed(l []model.Session, s string) []model.Session {
	if session, ok := model.ParseSession(s); ok && !slices.Contains(l, session) {
		l = append(l, session)
	}
	return l
}

// parent reads the parent's number behind the command, which may hold anything
// (proc_pid_stat(5)); 0 where that cannot be read.
func parent(stat string) int {
	b, err := os.ReadFile(stat)
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[max(bytes.LastIndexByte(b, ')'), 0):]))
	if len(fields) < 3 { // the end of the command, the state, the parent
		return 0
	}
	ppid, err := strconv.Atoi(fields[2])
	if err != nil {
		return 0
	}
	return ppid
}
