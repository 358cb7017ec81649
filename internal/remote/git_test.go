package remote

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository is one with a revision "old" that its files no longer are.
func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this machine has no git")
	}
	dir := t.TempDir()
	put(t, dir, "topology.yaml", "old\n")
	put(t, dir, "site/a.yaml", "a\n")
	put(t, dir, "site/b.yml", "b\n")
	put(t, dir, "site/README", "not this\n")
	put(t, dir, "site/.hidden.yaml", "nor this\n")
	put(t, dir, "odd/:(top)*.yaml", "odd\n")
	put(t, dir, ".gitattributes", "*.yaml diff=upper filter=upper\n")
	if err := os.Symlink("topology.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "old")
	git(t, dir, "tag", "old")
	git(t, dir, "config", "diff.upper.textconv", "tr a-z A-Z <")
	git(t, dir, "config", "core.pager", "touch "+filepath.Join(dir, "paged"))
	put(t, dir, "topology.yaml", "new\n")
	git(t, dir, "commit", "-qam", "new")
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = dir
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, b)
	}
}

func TestGitRead(t *testing.T) {
	dir := repository(t)
	t.Setenv("GIT_DIR", "nowhere") // as a hook of git's has it
	for _, tc := range []struct {
		in, rev, path string
		want          string // names and texts
		err           string
	}{
		{"", "old", "topology.yaml", "git:old:topology.yaml old", ""},
		{"", "HEAD", "topology.yaml", "git:HEAD:topology.yaml new", ""},
		{"", "HEAD~1", "./topology.yaml", "git:HEAD~1:topology.yaml old", ""},
		{"site", "old", "topology.yaml", "git:old:topology.yaml old", ""},
		{"site", "old", "../topology.yaml", "git:old:topology.yaml old", ""},
		{"site", "old", "./a.yaml", "git:old:site/a.yaml a", ""},
		{"site", "old", "./", "git:old:site/a.yaml a, git:old:site/b.yml b", ""},
		{"", "old", "site", "git:old:site/a.yaml a, git:old:site/b.yml b", ""},
		{"", "old", "site/", "git:old:site/a.yaml a, git:old:site/b.yml b", ""},
		{"", "old", "odd/:(top)*.yaml", "git:old:odd/:(top)*.yaml odd", ""},
		{"", "old", "./link.yaml", "", "is a symbolic link"},
		{"", "old", "none.yaml", "", "old has no none.yaml"},
		{"", "old", "odd/*.yaml", "", "old has no odd/*.yaml"},
		{"", "old", "../topology.yaml", "", "leads out of the repository"},
		{"", "old", "/etc/passwd", "", "leads out of the repository"},
		{"", "none", "topology.yaml", "", "no revision none; fetch it first: git fetch"},
		{"", "--output=x", "topology.yaml", "", "is no revision"},
		{"", "", "topology.yaml", "", "is no revision"},
	} {
		t.Run(tc.in+"/"+tc.rev+":"+tc.path, func(t *testing.T) {
			g := &Git{Dir: filepath.Join(dir, tc.in), Rev: tc.rev}
			err := g.Open(t.Context())
			var got []string
			if err == nil {
				var l []string
				sources, e := g.Read(t.Context(), tc.path)
				for _, s := range sources {
					l = append(l, s.Name+" "+strings.TrimSpace(string(s.Data)))
				}
				got, err = l, e
			}
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v; want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, strings.Join(got, ", ")); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "paged")); err == nil {
		t.Error("the pager was started")
	}
}

func TestGitAbsent(t *testing.T) {
	g := &Git{Dir: repository(t), Rev: "old"}
	if err := g.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := g.Read(t.Context(), "none.yaml")
	var absent *AbsentError
	if !errors.As(err, &absent) {
		t.Errorf("error %v is no AbsentError", err)
	}
}

func TestNoRepository(t *testing.T) {
	repository(t) // skips without git
	g := &Git{Dir: t.TempDir(), Rev: "HEAD"}
	if err := g.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("error %v", err)
	}
}

func TestNoGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	g := &Git{Rev: "HEAD"}
	if err := g.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("error %v", err)
	}
}

func TestBeside(t *testing.T) {
	for _, tc := range [][3]string{
		{"topology.yaml", ".", "./topology.yaml"}, {"a/b.yaml", "a", "./b.yaml"}, {"/x/conf.d/", "/x", "./conf.d"}, {".", ".", "./"}, {"..", "..", "./"},
	} {
		if dir, name := Beside(tc[0]); dir != tc[1] || name != tc[2] {
			t.Errorf("Beside(%q) = %q, %q; want %q, %q", tc[0], dir, name, tc[1], tc[2])
		}
	}
}
