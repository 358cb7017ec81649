package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const events = `{"Action":"output","Package":"p","Test":"TestA/x","Output":"    a_test.go:1: reliability: {\"fault\":\"f\",\"where\":\"w\",\"runs\":3,\"result\":\"good\",\"ok\":true}\n"}
{"Action":"output","Package":"p","Test":"TestA/y","Output":"    a_test.go:1: reliability: {\"fault\":\"f\",\"where\":\"w\",\"runs\":4,\"result\":\"good\",\"ok\":true}\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    a_test.go:1: reliability: {\"fault\":\"g\",\"where\":\"w\",\"runs\":1,\"result\":\"good\",\"ok\":false}\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
`

// The runs of tests about the same fault are added up, and a failure shows.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	rows, failed := read(strings.NewReader(events), &out)
	if !failed || !strings.Contains(out.String(), "ok   TestA\n") {
		t.Errorf("failed: %v, it says:\n%s", failed, &out)
	}
	doc := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(doc, []byte("# Head\n<!-- table -->\nold\n<!-- /table -->\ntail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replace(doc, table(rows, "Made.")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	want := `# Head
<!-- table -->
| fault injected | where | tests | runs | result |
|---|---|---:|---:|---|
| f | w | 2 | 7 | good |
| g | w | 1 | 1 | **failed in 1 of 1 tests** |

Made.
<!-- /table -->
tail
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
