package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const passed = `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1}
`
	skipped := func(reason string) string {
		return `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: ` + reason + `\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
` + passed
	}
	for _, tc := range []struct {
		name   string
		in     string
		strict bool
		ok     bool
		want   string
	}{
		{"passed", passed, true, true, "ok       p (1.0 s)"},
		{"nothing ran", "", false, false, ""},
		{"failed", `{"Action":"output","Package":"p","Test":"TestA","Output":"the reason\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`, false, false, "the reason\n"},
		{"not built", `{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
`, false, false, "undefined: x\n"},
		{"skipped here", skipped("no privileges"), false, true, "1 skipped"},
		{"skipped in CI", skipped("no privileges"), true, false, "b_test.go:3: no privileges"},
		{"skipped for the VM", skipped("covered by the VM run: no ipip"), true, true, "1 skipped"},
		{"no tests", `{"Action":"skip","Package":"p"}` + "\n", true, true, "no tests p"},
		{"other text", "vmrun: out of time\n" + passed, false, true, "vmrun: out of time\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			if ok := report(strings.NewReader(tc.in), &out, tc.strict); ok != tc.ok || !strings.Contains(out.String(), tc.want) {
				t.Errorf("report says %v, want %v, and %q in:\n%s", ok, tc.ok, tc.want, out.String())
			}
		})
	}
}
