package spec

import (
	"io"
	"path/filepath"
	"strings"
)

// ReadFiles reads the texts that Load would parse.
func ReadFiles(paths []string, stdin io.Reader) ([]Source, error) { return read(paths, stdin) }

// ParseEmpty is Parse, but that a topology may say that it has no nodes.
func ParseEmpty(sources []Source) (*Topology, []Problem) {
	return (&decoder{mayBeEmpty: true}).topologyOf(sources)
}

// IsTopologyFile says whether a file of that name counts in a directory of topology
// files.
func IsTopologyFile(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

// Failed returns an *InvalidError where any of the problems is more than a warning,
// else nil.
func Failed(problems []Problem) error {
	errs := 0
	for _, p := range problems {
		if !p.Warning {
			errs++
		}
	}
	if errs > 0 {
		return &InvalidError{Errors: errs}
	}
	return nil
}
