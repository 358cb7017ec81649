package render

import (
	"fmt"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// foldLimit is how many like lines are printed before the rest becomes one.
const foldLimit = 20

// Header says what a result is about.
type Header struct {
	Topology string
	Node     string
	Files    []string // where the topology was read from; nil: not said
	Phase    diff.Phase
	Basis    string // what stands for the host, where nobody looked at it; "": the host itself
}

// String returns "classic on vm1 (topology.yaml)", as far as it is known.
func (h Header) String() string {
	var s string
	switch {
	case h.Topology != "" && h.Node != "":
		s = h.Topology + " on " + h.Node
	default:
		s = h.Topology + h.Node
	}
	if h.Phase != diff.Whole {
		s += ", phase " + h.Phase.String()
	}
	if f := fileList(h.Files); f != "" {
		s = strings.TrimSpace(s + " (" + f + ")")
	}
	if h.Basis != "" {
		s += ", compared with " + h.Basis
	}
	return s
}

// fileList names up to three files.
func fileList(files []string) string {
	const most = 3
	if len(files) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(files[:most], ", "), len(files)-most)
	}
	return strings.Join(files, ", ")
}

// Options say how text is printed.
type Options struct {
	Color    bool // with ANSI colours
	MaxBytes int  // of Markdown; 0: DefaultMaxBytes
}

// count returns "1 object", "2 objects"; plurals that aren't regular are spelled
// out by plural.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, plural(noun))
}

// plural returns the plural of a kind's or an intent's noun.
func plural(noun string) string {
	switch noun {
	case "netns":
		return "network namespaces"
	case "address":
		return "addresses"
	case "fdb":
		return "fdb entries"
	}
	return noun + "s"
}
