package netplanoverlay_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// vulnDatabase writes a database in which one function of a module is vulnerable, in
// the form of https://go.dev/doc/security/vuln/database.
func vulnDatabase(t *testing.T, module, path, symbol string) string {
	t.Helper()
	dir := t.TempDir()
	const stamp = "2026-01-01T00:00:00Z"
	vuln := fmt.Sprintf(`{"id": "GO-2026-9999", "modified": %q}`, stamp)
	for name, text := range map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified": %q}`, stamp),
		"index/modules.json": fmt.Sprintf(`[{"path": %q, "vulns": [%s]}]`, module, vuln),
		"index/vulns.json":   "[" + vuln + "]",
		"ID/GO-2026-9999.json": fmt.Sprintf(`{
			"schema_version": "1.3.1", "id": "GO-2026-9999", "modified": %q, "published": %q, "summary": "made up", "details": "made up",
			"affected": [{
				"package": {"name": %q, "ecosystem": "Go"},
				"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
				"ecosystem_specific": {"imports": [{"path": %q, "symbols": [%q]}]}
			}],
			"database_specific": {"url": "https://example.org/GO-2026-9999", "review_status": "REVIEWED"}
		}`, stamp, stamp, module, path, symbol),
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + dir
}

// make vuln finds a vulnerability in what is called, says when it could not look, and
// fails for every other reason.
func TestVuln(t *testing.T) {
	const pkg = "./internal/model"
	// Below, nothing can be downloaded.
	if out, err := exec.Command("go", "tool", "-modfile=tools/go.mod", "-n", "govulncheck").CombinedOutput(); err != nil {
		t.Fatalf("build govulncheck: %v\n%s", err, out)
	}
	for _, tc := range []struct {
		name   string
		db     string
		strict bool
		code   int
		want   string
	}{
		{"what is called", vulnDatabase(t, "stdlib", "strings", "Cut"), false, 3, "GO-2026-9999"},
		{"what is not called", vulnDatabase(t, "stdlib", "strings", "ToTitle"), false, 0, "No vulnerabilities found."},
		{"no database there", "https://vuln.go.dev", false, 0, "make vuln: NOTHING WAS CHECKED: the database https://vuln.go.dev cannot be reached from here (connection refused)\n"},
		{"no database there, and strict", "https://vuln.go.dev", true, 1, "NOTHING WAS CHECKED"},
		{"no mirror there", "http://127.0.0.1:1", false, 0, "NOTHING WAS CHECKED"},
		{"no copy there", "file:///nonesuch", false, 1, "no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command("hack/vuln", pkg)
			cmd.Env = append(os.Environ(), "VULNDB="+tc.db, "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=")
			if tc.strict {
				cmd.Env = append(cmd.Env, "VULNSTRICT=1")
			}
			out, err := cmd.CombinedOutput()
			var ended *exec.ExitError
			if err != nil && !errors.As(err, &ended) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != tc.code || !strings.Contains(string(out), tc.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, tc.code, tc.want, out)
			}
		})
	}
}
