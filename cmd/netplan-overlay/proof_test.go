package main

import (
	"encoding/json"
	"testing"
)

// proof is a line that hack/reliability makes its table of.
type proof struct {
	Fault  string `json:"fault"`
	Where  string `json:"where"`
	Runs   int    `json:"runs"`
	Result string `json:"result"`
	OK     bool   `json:"ok"`
}

// sameThere says that a test is about nothing that differs between kernels, and has no
// need to be run in the virtual machine, too, which is slow.
func sameThere(t *testing.T) bool {
	t.Helper()
	if !slow() {
		return false
	}
	t.Log("the machine's own kernel has tried it")
	return true
}

// proved says at the end of a test how often a fault was injected, and whether what the
// test asks for, the result, came of it each time.
func proved(t *testing.T, fault string, runs int, result string) {
	t.Helper()
	where := "real kernel"
	if slow() {
		where = "real kernel, in the virtual machine"
	}
	b, err := json.Marshal(proof{fault, where, runs, result, !t.Failed()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("reliability: %s", b)
}
