package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each format of validate, on a topology with an error and a warning, one with a warning
// alone, and a good one.
func TestValidateFormats(t *testing.T) {
	hostOnly(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", strings.NewReplacer("172.245.", "10.245.", "172.246.", "10.246.").Replace(two("vxlan")))
	doubtful := file("doubtful.yaml", two("vxlan"))
	bad := file("bad.yaml", strings.Replace(two("vxlan"), "    address: 192.168.32.246", "    address: 192.168.32.246/24", 1))
	run := func(env []string, args ...string) result {
		t.Helper()
		cmd := toolCommand(t, append([]string{"validate"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, append([]string{"GITHUB_ACTIONS="}, env...)...)
		return runTool(t, cmd)
	}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		out  string // part of stdout
		err  string // part of stderr
	}{
		{"good", nil, []string{"-f", good}, exitOK, "is valid: 2 nodes", ""},
		{"doubtful", nil, []string{"-f", doubtful}, exitOK, "is valid: 2 nodes", "[NPO901]"},
		{"doubtful, strictly", nil, []string{"-f", doubtful, "--strict"}, exitError, "", "which --strict refuses"},
		{"bad", nil, []string{"-f", bad}, exitError, "", "without the length [NPO208]"},
		{"in GitHub Actions", []string{"GITHUB_ACTIONS=true"}, []string{"-f", bad}, exitError, "::error file=bad.yaml,line=10,col=14,title=NPO208::nodes.vm2.address: ", "[NPO208]"},
		{"github, doubtful", nil, []string{"-f", doubtful, "--format", "github"}, exitOK, "::warning file=doubtful.yaml,", "[NPO901]"},
		{"text in GitHub Actions", []string{"GITHUB_ACTIONS=true"}, []string{"-f", good, "--format", "text"}, exitOK, "is valid", ""},
		{"json", nil, []string{"-f", bad, "--format", "json"}, exitError, `"code": "NPO208"`, ""},
		{"json, good", nil, []string{"-f", good, "--format", "json"}, exitOK, `"problems": []`, ""},
		{"gitlab", nil, []string{"-f", bad, "--format", "gitlab"}, exitError, `"check_name": "NPO208"`, ""},
		{"gitlab, good", nil, []string{"-f", good, "--format", "gitlab"}, exitOK, "[]", ""},
		{"sarif", nil, []string{"-f", bad, "--format", "sarif"}, exitError, `"ruleId": "NPO208"`, ""},
		{"sarif, good", nil, []string{"-f", good, "--format", "sarif"}, exitOK, `"results": []`, ""},
		{"no format", nil, []string{"-f", good, "--format", "xml"}, exitError, "", "it is text, json"},
		{"no file", nil, []string{"-f", "nonesuch.yaml", "--format", "json"}, exitError, "", "no such file"},
	} {
		r := run(c.env, c.args...)
		if r.code != c.code || !strings.Contains(r.out, c.out) || !strings.Contains(r.err, c.err) {
			t.Errorf("%s: exit code %d\n%s%s", c.name, r.code, r.out, r.err)
		}
		if format := c.args[len(c.args)-1]; c.out != "" && (format == "json" || format == "gitlab" || format == "sarif") && !json.Valid([]byte(r.out)) {
			t.Errorf("%s: no JSON: %s", c.name, r.out)
		}
	}
	if r := runTool(t, toolCommand(t, "explain", "npo208")); r.code != exitOK || !strings.HasPrefix(r.out, "NPO208: not an IP address\n") {
		t.Errorf("explain: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := runTool(t, toolCommand(t, "explain", "NPO299")); r.code != exitError || !strings.Contains(r.err, "near it are NPO201") {
		t.Errorf("explain: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}
