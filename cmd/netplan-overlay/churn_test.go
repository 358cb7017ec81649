package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// churn is a shell that changes a host all the time, at random: what is ours, and what
// stands beside it. What it makes where something of ours could be, it takes away again.
const churn = `
r() { n=$((n * 1103515245 + 12345 & 0x7fffffff)); x=$((n / 65536 % $1)); }
n=$1 web=$2
while kill -0 $PPID; do # as long as the test lives
	r 26
	case $x in
	0) ip route delete 172.16.2.0/24 ;;
	1) ip route replace 172.16.3.0/24 via 192.168.32.99 proto 157 ;;
	2) ip route add 10.77.0.0/16 via 192.168.32.99 proto 157 ;;
	3) ip route add 172.16.2.0/24 via 192.168.32.98; ip route delete 172.16.2.0/24 via 192.168.32.98 proto boot ;;
	4) ip address delete 172.16.1.1/24 dev br1 ;;
	5) ip address add 172.16.1.1/24 dev br1 proto 157 ;;
	6) ip link set br1 down ;;
	7) ip link set br1 mtu 1300 ;;
	8) ip link set veth-$web nomaster ;;
	9) ip link delete br1 ;;
	10) ip link delete veth-$web ;;
	11) ip link delete vxlan1 ;;
	12) ip link set vxlan1 down ;;
	13) ip link set vxlan1 address 02:00:00:00:00:09 ;;
	14) ip neighbour flush dev vxlan1 nud permanent ;;
	15) for m in $(bridge fdb show dev vxlan1 | cut -d' ' -f1); do bridge fdb delete $m dev vxlan1; done ;;
	16) ip link add debris group 157 type bridge ;;
	17) ip link add br1 type bridge; ip link delete br1 ;;
	18) ip link add vxlan1 type vxlan id 1 dstport 8472; ip link delete vxlan1 ;;
	19) umount /run/netns/$web; rm -f /run/netns/$web ;;
	20) ip -n $web link set eth0 down ;;
	21) ip -n $web address flush dev eth0 ;;
	22) ip -n $web route delete default ;;
	23) ip link add theirs type bridge; ip address add 10.99.0.1/24 dev theirs; ip link set theirs up ;;
	24) ip link delete theirs ;;
	25) echo 0 >/proc/sys/net/ipv4/ip_forward ;;
	esac
done 2>/dev/null
`

// meddler is a running churn.
type meddler struct {
	h   *host
	cmd *exec.Cmd
}

func (h *host) meddle(seed int, netns string) *meddler {
	h.w.t.Helper()
	cmd := exec.Command("sh", "-c", churn, "churn", fmt.Sprint(seed), netns)
	m := &meddler{h, cmd}
	if err := h.door.In("", func() error {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd.Start()
	}); err != nil {
		h.w.t.Fatal(err)
	}
	h.w.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be stopped just now
		_ = cmd.Wait()
	})
	return m
}

// pause stops the shell and lets the command end that it runs just now: half an "add;
// delete" is what a human would leave, too, but is no affair of ours.
func (m *meddler) pause() { m.signal(syscall.SIGSTOP); m.idle() }

func (m *meddler) resume() { m.signal(syscall.SIGCONT) }

func (m *meddler) signal(s syscall.Signal) {
	m.h.w.t.Helper()
	if err := syscall.Kill(m.cmd.Process.Pid, s); err != nil { // the shell alone
		m.h.w.t.Fatal(err)
	}
}

// idle waits until no command of the stopped shell runs any more.
func (m *meddler) idle() {
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", m.cmd.Process.Pid)
	m.h.w.until("the foreign command has ended", func() bool {
		b, err := os.ReadFile(children)
		if err != nil {
			m.h.w.t.Fatal(err)
		}
		for _, pid := range strings.Fields(string(b)) {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			if err == nil && !strings.Contains(string(stat), ") Z ") {
				return false
			}
		}
		return true
	})
}

// Others change the host all the time: apply converges or ends with an error that
// tells how the host is; nothing is half made; and as soon as they are quiet, one more
// apply converges.
func TestForeignChangesMeanwhile(t *testing.T) {
	hostOnly(t)
	runs := 12
	switch {
	case os.Getenv(reliabilityVar) != "":
		runs = 100
	case slow():
		runs = 2
	}
	w := newWorld(t, underlay)
	h := w.hosts[0]
	h.share()
	web := fmt.Sprintf("w%d", os.Getpid()%1000000)
	version := func(backend string, peers ...int) string {
		text := strings.Replace(plentiful(backend, peers...), "      web: ", "      "+web+": ", 1)
		text = strings.Replace(text, "      fw:", "      "+web+"fw:", 1)
		return strings.Replace(text, "name: classic", "name: "+web, 1) // others' tests may share the directory of namespaces
	}
	t.Cleanup(func() {
		for _, name := range []string{web, web + "fw"} {
			_ = syscall.Unmount(filepath.Join(h.dir, name), syscall.MNT_DETACH)
			_ = os.Remove(filepath.Join(h.dir, name))
		}
	})
	files := []string{
		w.file("a.yaml", version("{type: vxlan, vni: 1, port: 8472}", 2, 3)),
		w.file("b.yaml", version("host-gw", 2, 3)),
		w.file("c.yaml", version("{type: vxlan, vni: 1, port: 8472, directRouting: true}", 2, 4)),
	}
	want := map[string][]string{}
	for _, f := range files {
		h.apply(f)
		want[f] = h.shapeLines()
	}
	m := h.meddle(7, web)
	codes := map[int]int{}
	for i := range runs {
		f := files[i%len(files)]
		r := h.tool("apply", "-f", f, "--auto-approve", "--allow-harm")
		m.pause()
		codes[r.code]++
		if why := untrue(r); why != "" {
			t.Errorf("run %d: exit code %d: %s\n%s", i, r.code, why, r.err)
		}
		h.foreignGone(web)
		if r := h.tool("apply", "-f", f, "--auto-approve", "--allow-harm"); r.code != exitOK {
			t.Fatalf("run %d: all is quiet, but apply ends with %d\n%s%s", i, r.code, r.out, r.err)
		}
		h.converged(f)
		if d := lineDiff(want[f], h.shapeLines()); len(d) > 0 {
			t.Fatalf("run %d: the host is not as one that nobody has changed:\n%s", i, strings.Join(d, "\n"))
		}
		m.resume()
	}
	t.Logf("exit codes: %v", codes)
	proved(t, "another program changes the host with `ip` in a tight loop during apply, and then is quiet", runs,
		fmt.Sprintf("apply ends with 0: %d, 1: %d, 3: %d, 4: %d times, and says truly how; nothing is half made; the next one converges",
			codes[exitOK], codes[exitError], codes[exitRolledBack], codes[exitStuck]))
}

// untrue says what in the report of an apply does not fit to its exit code, "" if all
// does.
func untrue(r result) string {
	rolled, look := strings.Contains(r.err, "rolled back"), strings.Contains(r.err, "look at the host")
	differs := strings.Contains(r.err, "still differs") || strings.Contains(r.err, "looked at again")
	switch {
	case r.code == exitOK && r.err != "":
		return "it tells an error"
	case r.code == exitError && (rolled || look || differs):
		return "it should say that nothing was changed"
	case r.code == exitRolledBack && (look || differs):
		return "it says that not all is as it was"
	case r.code == exitStuck && !look && !differs:
		return "it doesn't say what is not as it was"
	case r.code < 0 || r.code == exitChanges || r.code > exitStuck:
		return "there is no such end"
	}
	return ""
}

// foreignGone takes away what the foreign shell was in the middle of.
func (h *host) foreignGone(web string) {
	h.w.t.Helper()
	r := h.in("", "sh", "-c", `
for d in br1 vxlan1; do ip link show $d | grep -q 'group 157' || ip link delete $d; done
ip route delete 172.16.2.0/24 proto boot
ip link delete theirs
mountpoint -q /run/netns/`+web+` || rm -f /run/netns/`+web+`
true`)
	if r.code != exitOK {
		h.w.t.Fatal(r.err)
	}
}

// shapeLines is the truth without what differs from one making to the next: the MAC
// addresses that the kernel gives.
func (h *host) shapeLines() []string {
	h.w.t.Helper()
	return strings.Split(h.shape(), "\n")
}
