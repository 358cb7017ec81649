package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// installation runs hack/install with this test binary as the program.
func installation(t *testing.T, into string, args ...string) {
	t.Helper()
	cmd := exec.Command("../../hack/install", args...)
	cmd.Env = append(toolCommand(t).Env, "DESTDIR="+into, "PREFIX=/opt/usr", "SYSCONFDIR=/opt/etc")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hack/install %v: %v\n%s", args, err, out)
	}
}

// filesIn returns the paths of all files below a directory.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var l []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			l = append(l, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is installed is there, says where it is, and goes again but for what was changed.
func TestInstall(t *testing.T) {
	hostOnly(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	installation(t, dir, program)
	got := filesIn(t, dir)
	for _, want := range []string{
		"opt/usr/bin/netplan-overlay",
		"opt/usr/lib/systemd/system/netplan-overlay.service",
		"opt/usr/lib/systemd/system/netplan-overlay-apply.service",
		"opt/usr/lib/systemd/system/netplan-overlay-apply.path",
		"opt/usr/lib/systemd/system/netplan-overlay-apply.timer",
		"opt/usr/share/man/man8/netplan-overlay.8.gz",
		"opt/usr/share/man/man8/netplan-overlay-lab-test.8.gz",
		"opt/usr/share/man/man5/netplan-overlay.yaml.5.gz",
		"opt/usr/share/bash-completion/completions/netplan-overlay",
		"opt/usr/share/zsh/site-functions/_netplan-overlay",
		"opt/usr/share/fish/vendor_completions.d/netplan-overlay.fish",
		"opt/usr/share/netplan-overlay/schema/topology.schema.json",
		"opt/usr/share/netplan-overlay/schema/topology-part.schema.json",
		"opt/usr/share/doc/netplan-overlay/docs/safety.md",
		"opt/usr/share/doc/netplan-overlay/examples/classic.yaml",
		"opt/usr/share/doc/netplan-overlay/dist/systemd/git-sync.conf.example",
		"opt/etc/netplan-overlay/README",
		"opt/etc/default/netplan-overlay",
		"opt/etc/iproute2/rt_protos.d/netplan-overlay.conf",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not installed", want)
		}
	}
	unit := slurp(t, filepath.Join(dir, "opt/usr/lib/systemd/system/netplan-overlay.service"))
	for _, want := range []string{"ExecStart=/opt/usr/bin/netplan-overlay watch\n", "=/opt/etc/netplan-overlay/topology.yaml\n", "=-/opt/etc/default/netplan-overlay\n"} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q:\n%s", want, unit)
		}
	}
	for _, f := range got {
		if b := slurp(t, filepath.Join(dir, f)); b == "" || strings.Contains(b, dir) && f != "opt/usr/bin/netplan-overlay" {
			t.Errorf("%s is empty, or knows where it was put together:\n%s", f, b)
		}
	}

	settings := filepath.Join(dir, "opt/etc/default/netplan-overlay")
	if err := os.WriteFile(settings, []byte("NETPLAN_OVERLAY_NODE=vm1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	installation(t, dir, program)
	if got := slurp(t, settings); got != "NETPLAN_OVERLAY_NODE=vm1\n" {
		t.Errorf("settings were overwritten: %q", got)
	}
	installation(t, dir, "--remove")
	if diff := cmp.Diff([]string{"opt/etc/default/netplan-overlay"}, filesIn(t, dir)); diff != "" {
		t.Errorf("left after removal (-want +got):\n%s", diff)
	}
}

// hardening returns what a unit says below the line that both services share.
func hardening(t *testing.T, unit string) string {
	t.Helper()
	_, shared, ok := strings.Cut(slurp(t, "../../dist/systemd/"+unit), "# From here on, the same in ")
	if !ok {
		t.Fatalf("%s: nothing is shared", unit)
	}
	_, shared, _ = strings.Cut(shared, "\n")
	shared, _, _ = strings.Cut(shared, "[Install]")
	return strings.TrimSpace(shared)
}

// The two services are hardened alike, and none gets a mount namespace.
func TestUnits(t *testing.T) {
	hostOnly(t)
	if diff := cmp.Diff(hardening(t, "netplan-overlay.service"), hardening(t, "netplan-overlay-apply.service")); diff != "" {
		t.Errorf("the services differ (-daemon +one run):\n%s", diff)
	}
	// exec_needs_mount_namespace, src/core/execute.c; tried one by one on systemd 252.
	mounts := regexp.MustCompile(`(?m)^(Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Proc)|ProcSubset|Private\w+|` +
		`Root\w+|(Read|No|In)\w*Paths|Bind\w*Paths|TemporaryFileSystem|Mount\w+|Extension\w+|DynamicUser|LogNamespace|LoadCredential\w*|SetCredential\w*)=.*`)
	units, err := filepath.Glob("../../dist/systemd/*")
	if err != nil || len(units) == 0 {
		t.Fatalf("no units: %v", err)
	}
	for _, u := range units {
		if bad := mounts.FindString(slurp(t, u)); bad != "" {
			t.Errorf("%s: %s gives the service a mount namespace of its own", u, bad)
		}
	}
}
