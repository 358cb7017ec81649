package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What two machines have measured, between other lines of a test's output.
const measured = `=== RUN   TestImpact/one
measured: {"Change":"bridge: MAC","Announced":"disruptive","Measured":"brief","Kernel":"6.1","Rate":1000,"Pause":40,"VM":false,"Runs":[[{"Flow":"out","Size":64,"Lost":3},{"Flow":"out","Size":1400,"Lost":5}],[{"Flow":"out","Size":64,"Lost":1},{"Flow":"out","Size":1400,"Lost":5}],[{"Flow":"out","Size":64,"Lost":9},{"Flow":"out","Size":1400,"Lost":5}]],"Slow":[{"Flow":"out","Size":64,"Lost":7}]}
    impact_test.go:1: something
measured: {"Change":"ipip device: name","Announced":"disruptive","Measured":"disruptive","Kernel":"6.1","Rate":100,"Pause":400,"VM":true,"Runs":[[{"Flow":"out","Size":64,"Lost":400,"Dead":true}]],"Slow":[{"Flow":"out","Size":64,"Lost":7}]}
measured: {"From":"vxlan","To":"host-gw","Way":"apply","Kernel":"6.1","Rate":100,"VM":true,"Runs":[[{"Flow":"out","Size":64,"Lost":12},{"Flow":"in","Size":64,"Lost":0}]]}
measured: {"From":"vxlan","To":"host-gw","Way":"phases","Kernel":"6.1","Rate":100,"VM":true,"Runs":[[{"Flow":"out","Size":64,"Lost":0}]]}
measured: {"From":"host-gw","To":"vxlan","Way":"apply","Kernel":"6.1","Rate":100,"VM":true,"Runs":[[{"Flow":"out","Size":64,"Lost":2}],[{"Flow":"out","Size":64,"Lost":2}],[{"Flow":"out","Size":64,"Lost":4}]]}
PASS
`

func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := write(strings.NewReader(measured), dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"impact.md": {
			"On a machine, Linux 6.1, 1000 packets a second of each flow, pauses of 40 ms. 3 runs.",
			"| bridge: MAC | disruptive | brief | 3, 9 | 5 | 7 |\n",
			"In the virtual machine, which is emulated and slow, Linux 6.1, 100 packets a second of each flow, pauses of 400 ms. One run.",
			"| ipip device: name | disruptive | disruptive | all | 0 | 7 |\n",
		},
		"switching.md": {
			"| from | to | apply | phases |\n",
			"| vxlan | host-gw | 12 (120 ms) | 0 |\n",
			"| host-gw | vxlan | 2 (20 ms), worst 4 | not measured |\n",
		},
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(b), w) {
				t.Errorf("%s has not %q:\n%s", name, w, b)
			}
		}
	}
}

func TestNothingMeasured(t *testing.T) {
	for text, want := range map[string]string{
		"PASS\n":                        "there are no results of both tests",
		"measured: {\"Change\":\n":      "unexpected end of JSON input",
		"measured: {\"Change\": \"a\"}": "there are no results of both tests",
	} {
		dir := t.TempDir()
		err := write(strings.NewReader(text), dir)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
			t.Errorf("%q: %v was written", text, left)
		}
	}
}
