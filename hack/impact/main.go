// Command impact makes docs/impact.md and docs/switching.md of what the tests of
// cmd/netplan-overlay have measured. It reads their output: lines that begin with
// "measured: " and hold JSON. Others are passed over.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: impact DIRECTORY <RESULTS")
		os.Exit(1)
	}
	if err := write(os.Stdin, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "impact:", err)
		os.Exit(1)
	}
}

// write reads results and writes the pages into a directory.
func write(in io.Reader, dir string) error {
	r, err := read(in)
	if err != nil {
		return err
	}
	if len(r.changes) == 0 || len(r.switches) == 0 {
		return errors.New("there are no results of both tests")
	}
	for name, text := range map[string]string{"impact.md": r.impactPage(), "switching.md": r.switchingPage()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// results are what was measured, in the order in which it was.
type results struct {
	changes  []change
	switches []switching
}

// conditions are what a result was measured under.
type conditions struct {
	Kernel string
	Rate   int // packets a second, of each flow
	Pause  int // milliseconds after a step in slow motion
	VM     bool
}

// change is one kind of change of one host.
type change struct {
	conditions
	Change    string
	Announced string
	Measured  string
	Runs      [][]loss
	Slow      []loss
}

// switching is one switch of two hosts from a backend to another, in one way.
type switching struct {
	conditions
	From, To, Way string
	Runs          [][]loss
}

// loss is what became of one flow.
type loss struct {
	Flow string
	Size int // of a packet
	Lost int // packets
	Dead bool
}

func read(in io.Reader) (*results, error) {
	r := &results{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, text, ok := strings.Cut(lines.Text(), "measured: {")
		if !ok {
			continue
		}
		b := []byte("{" + text)
		var one struct{ Change, From string }
		if err := json.Unmarshal(b, &one); err != nil {
			return nil, fmt.Errorf("read %q: %w", lines.Text(), err)
		}
		var err error
		if one.Change != "" {
			r.changes, err = appended(r.changes, b)
		} else {
			r.switches, err = appended(r.switches, b)
		}
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", lines.Text(), err)
		}
	}
	return r, lines.Err()
}

func appended[T any](l []T, b []byte) ([]T, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return append(l, v), err
}
