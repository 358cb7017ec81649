// Command reliability reads what "go test -json" writes, and puts a table of the faults
// that the tests have injected into a document, between the lines "<!-- table -->" and
// "<!-- /table -->". A test says what it has proved in a line "reliability: {...}".
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// proof is what a test says.
type proof struct {
	Fault  string `json:"fault"`
	Where  string `json:"where"`
	Runs   int    `json:"runs"`
	Result string `json:"result"`
	OK     bool   `json:"ok"`
}

// row is a line of the table: all proofs of one fault at one place.
type row struct {
	proof
	tests  int
	failed int
}

// event is one of cmd/test2json's.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func main() {
	doc := flag.String("doc", "docs/reliability.md", "the document that has the table")
	flag.Parse()
	began := time.Now()
	rows, failed := read(os.Stdin, os.Stdout)
	text := table(rows, machine(time.Since(began)))
	fmt.Print("\n", text)
	if err := replace(*doc, text); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	if failed || len(rows) == 0 {
		os.Exit(1)
	}
}

// read collects the proofs, and says what fails. Tests with the same fault and place make
// one row, in the order in which they come.
func read(in io.Reader, out io.Writer) (rows []*row, failed bool) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	output := map[string]*strings.Builder{}
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
			rows = add(rows, e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "fail", "build-fail":
			failed = true
			if b := output[key]; b != nil {
				fmt.Fprint(out, b)
			}
		case "pass":
			if e.Test != "" && !strings.Contains(e.Test, "/") {
				fmt.Fprintf(out, "ok   %s\n", e.Test)
			}
		}
	}
	return rows, failed
}

func add(rows []*row, line string) []*row {
	_, text, ok := strings.Cut(line, "reliability: ")
	var p proof
	if !ok || json.Unmarshal([]byte(text), &p) != nil {
		return rows
	}
	var r *row
	for _, x := range rows {
		if x.Fault == p.Fault && x.Where == p.Where {
			r = x
		}
	}
	if r == nil {
		r = &row{proof: proof{Fault: p.Fault, Where: p.Where, Result: p.Result}}
		rows = append(rows, r)
	}
	r.tests++
	r.Runs += p.Runs
	if !p.OK {
		r.failed++
	}
	return rows
}

func table(rows []*row, made string) string {
	var b strings.Builder
	b.WriteString("| fault injected | where | tests | runs | result |\n|---|---|---:|---:|---|\n")
	for _, r := range rows {
		result := r.Result
		if r.failed > 0 {
			result = fmt.Sprintf("**failed in %d of %d tests**", r.failed, r.tests)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s |\n", r.Fault, r.Where, r.tests, r.Runs, result)
	}
	return b.String() + "\n" + made + "\n"
}

// machine says where the table was made.
func machine(took time.Duration) string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		release = []byte("of an unknown version")
	}
	return fmt.Sprintf("Made by `make reliability` in %d minutes, on Linux %s with %d processors, by %s.",
		int(took.Minutes()+0.5), version(string(release)), runtime.NumCPU(), runtime.Version())
}

// replace puts the table into the document.
func replace(path, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const begin, end = "<!-- table -->\n", "<!-- /table -->\n"
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s has no place for the table", path)
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}

// version returns the number of a kernel's release, without what a distribution has
// added.
func version(release string) string {
	number, _, _ := strings.Cut(strings.TrimSpace(release), "-")
	return number
}
