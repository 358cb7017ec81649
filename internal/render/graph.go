package render

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// GraphFormat is a form in which drawings are written.
type GraphFormat string

// The forms of drawings.
const (
	GraphMermaid GraphFormat = "mermaid"
	GraphDOT     GraphFormat = "dot"
	GraphSVG     GraphFormat = "svg"
)

// GraphFormats lists the forms, the usual one first.
func GraphFormats() []GraphFormat { return []GraphFormat{GraphMermaid, GraphDOT, GraphSVG} }

// GraphFormatOf returns the form that a file's name asks for by its suffix, or the usual
// one.
func GraphFormatOf(path string) GraphFormat {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg":
		return GraphSVG
	case ".dot", ".gv":
		return GraphDOT
	}
	return GraphMermaid
}

// String returns the name of the form.
func (f *GraphFormat) String() string { return string(*f) }

// Set takes the name of a form.
func (f *GraphFormat) Set(s string) error {
	if !slices.Contains(GraphFormats(), GraphFormat(s)) {
		return errors.New("it is mermaid, dot or svg")
	}
	*f = GraphFormat(s)
	return nil
}

// Type names the forms, for help.
func (f *GraphFormat) Type() string { return "mermaid|dot|svg" }

// The most hosts that are drawn, unless more are asked for: as many as a reader can
// find his way among.
const usualHosts = 100

// Graph writes a drawing in a form, with at most so many hosts (0: 100). Mermaid has
// fewer still where there is too much text for those who show it.
func Graph(w io.Writer, f GraphFormat, d *Drawing, hosts int) error {
	if hosts <= 0 {
		hosts = usualHosts
	}
	d = d.Fold(hosts)
	switch f {
	case GraphMermaid:
		return Mermaid(w, d)
	case GraphDOT:
		return DOT(w, d)
	case GraphSVG:
		return SVG(w, d)
	}
	return fmt.Errorf("draw: there is no form %q", f)
}
