// Command report reads what "go test -json" writes: it prints a line a package, and
// in full what failed. In CI a skipped test is a failure, unless the virtual machine
// runs it, or there the machine itself: its reason then begins with "covered by the VM
// run:", or "covered by the run on the host:".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one of cmd/test2json's.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

func main() {
	if !report(os.Stdin, os.Stdout, os.Getenv("CI") != "") {
		os.Exit(1)
	}
}

// report returns whether all is well.
func report(in io.Reader, out io.Writer, strict bool) bool {
	r := &reporter{out: out, strict: strict, output: map[string]*strings.Builder{}, ok: true}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err != nil {
			return r.ok && r.packages > 0
		}
	}
}

type reporter struct {
	out      io.Writer
	strict   bool
	output   map[string]*strings.Builder // by package and test
	packages int
	skipped  int
	ok       bool
}

func (r *reporter) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line) // not of the test's: say it as it is
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		if r.output[key] == nil {
			r.output[key] = &strings.Builder{}
		}
		r.output[key].WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.ok = false
	case "fail":
		r.ok = false
		r.tell(key)
		r.finished(e, "FAIL")
	case "skip":
		r.skip(e, key)
	case "pass":
		r.finished(e, "ok")
	}
	if e.Test != "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
		delete(r.output, key)
	}
}

func (r *reporter) tell(key string) {
	if b := r.output[key]; b != nil {
		fmt.Fprint(r.out, b.String())
	}
}

// skip tells a skipped test with its reason; a package without tests is none.
func (r *reporter) skip(e event, key string) {
	if e.Test == "" {
		r.finished(e, "no tests")
		return
	}
	r.skipped++
	text := ""
	if b := r.output[key]; b != nil {
		text = b.String()
	}
	if !r.strict || strings.Contains(text, ": covered by the VM run:") || strings.Contains(text, ": covered by the run on the host:") {
		return
	}
	r.ok = false
	fmt.Fprintf(r.out, "skipped, which CI does not allow:\n%s", text)
}

// finished tells the end of a package.
func (r *reporter) finished(e event, word string) {
	if e.Test != "" {
		return
	}
	r.packages++
	note := ""
	if r.skipped > 0 {
		note = fmt.Sprintf(", %d skipped", r.skipped)
	}
	r.skipped = 0
	fmt.Fprintf(r.out, "%-8s %s (%.1f s%s)\n", word, e.Package, e.Elapsed, note)
}
