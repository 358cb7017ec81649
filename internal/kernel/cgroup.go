package kernel

import "os"

// LeaveControlGroup moves this process out of the control group of the session or job
// that it was started in, into the root one: systemd ends all that is in a session or
// unit that ends (systemd.kill(5), KillUserProcesses in logind.conf(5)). Where that can't
// be done, as in a container, whoever could end it ends all.
func LeaveControlGroup() {
	for _, group := range []string{"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/systemd/cgroup.procs"} {
		if f, err := os.OpenFile(group, os.O_WRONLY, 0); err == nil {
			_, _ = f.WriteString("0") // this process (cgroups(7))
			f.Close()
		}
	}
}
