package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Source is a file's name, as it is shown, and its text, of which names in the topology are
// parts: it must not be changed once that was read.
type Source struct {
	Name string
	Data []byte
}

// Load reads files and directories (of which the files *.yaml and *.yml count), "-"
// being stdin, and merges them. The problems are sorted; with any that is more than
// a warning, the error is an *InvalidError and the topology nil.
func Load(paths []string, stdin io.Reader) (*Topology, []Problem, error) {
	return load(paths, stdin, &decoder{})
}

// LoadEmpty is Load, but that a topology may say that it has no nodes (nodes: {}).
func LoadEmpty(paths []string, stdin io.Reader) (*Topology, []Problem, error) {
	return LoadWith(paths, stdin, Options{MayBeEmpty: true})
}

// Options are what Load may do otherwise; the zero value is nothing.
type Options struct {
	MayBeEmpty bool // as LoadEmpty has it
	// Whole says of which nodes all is wanted, by their names and addresses; nil: of each. The
	// namespaces of the others are checked, and left out: those of a large fleet are most of
	// what it takes. Several goroutines ask it at the same time.
	Whole func(*Node) bool
}

// LoadWith is Load with options.
func LoadWith(paths []string, stdin io.Reader, o Options) (*Topology, []Problem, error) {
	return load(paths, stdin, &decoder{mayBeEmpty: o.MayBeEmpty, whole: o.Whole})
}

func load(paths []string, stdin io.Reader, d *decoder) (*Topology, []Problem, error) {
	sources, err := read(paths, stdin)
	if err != nil {
		return nil, nil, err
	}
	t, problems := d.topologyOf(sources)
	return t, problems, Failed(problems)
}

// Parse is Load without files. It is deterministic, and returns no topology where
// any problem is an error.
func Parse(sources []Source) (*Topology, []Problem) {
	return (&decoder{}).topologyOf(sources)
}

func (d *decoder) topologyOf(sources []Source) (*Topology, []Problem) {
	if len(sources) == 0 {
		return nil, []Problem{{Code: codeEmpty, Message: "there are no files"}}
	}
	digest := digesting(sources)
	t, sum := d.decode(sources), digest()
	problems := sorted(d.problems, sources)
	withLines(problems, sources)
	if slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning }) {
		return nil, problems
	}
	for _, s := range sources {
		t.Files = append(t.Files, s.Name)
	}
	t.Digest, t.Sources = sum, sources
	return t, problems
}

// digesting returns Digest as a function: where it takes long, it is begun at once, and
// waited for.
func digesting(sources []Source) func() string {
	const long = 64 << 10 // bytes
	size := 0
	for _, s := range sources {
		size += len(s.Data)
	}
	digest := sync.OnceValue(func() string { return Digest(sources) })
	if size >= long {
		go digest()
	}
	return digest
}

// Digest is the SHA-256 of the texts one after the other, each behind its length, in
// hexadecimal.
func Digest(sources []Source) string {
	h := sha256.New()
	for _, s := range sources {
		fmt.Fprintf(h, "%d\n", len(s.Data)) // a hash takes everything
		h.Write(s.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func read(paths []string, stdin io.Reader) ([]Source, error) {
	return ReadBy(paths, func(path string) ([]byte, error) {
		if path == "-" {
			return io.ReadAll(io.LimitReader(stdin, MaxFile+1))
		}
		return readFile(path)
	})
}

// ReadBy reads what Load would, each file by the function, which need not read more
// than a byte beyond MaxFile.
func ReadBy(paths []string, file func(path string) ([]byte, error)) ([]Source, error) {
	var l []Source
	for _, p := range paths {
		sources, err := readPath(p, file)
		if err != nil {
			return nil, err
		}
		l = append(l, sources...)
	}
	for i, s := range l {
		if slices.ContainsFunc(l[:i], func(o Source) bool { return o.Name == s.Name }) {
			return nil, fmt.Errorf("the topology file %s is given twice", s.Name)
		}
	}
	return l, nil
}

// AreFiles says whether all that ReadBy would read are files, which make nobody wait, as a FIFO
// does.
func AreFiles(paths []string) bool {
	for _, p := range paths {
		entries, err := os.ReadDir(p)
		if err != nil {
			entries = nil // it is no directory
			if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
				return false
			}
		}
		for _, e := range entries {
			if st, err := os.Stat(filepath.Join(p, e.Name())); IsTopologyFile(e.Name()) && !e.IsDir() && (err != nil || !st.Mode().IsRegular()) {
				return false
			}
		}
	}
	return true
}

func readPath(path string, file func(path string) ([]byte, error)) ([]Source, error) {
	if path == "-" {
		b, err := file(path)
		if err != nil {
			return nil, fmt.Errorf("read the topology from stdin: %w", err)
		}
		return []Source{{Name: "<stdin>", Data: b}}, nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the topology: %w", err)
	}
	if !st.IsDir() {
		return appendFile(nil, path, file)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read the topology: %w", err)
	}
	var l []Source
	for _, e := range entries {
		if e.IsDir() || !IsTopologyFile(e.Name()) {
			continue
		}
		if l, err = appendFile(l, filepath.Join(path, e.Name()), file); err != nil {
			return nil, err
		}
	}
	if len(l) == 0 {
		return nil, errors.New("read the topology: there are no *.yaml files in " + path)
	}
	return l, nil
}

func appendFile(l []Source, path string, file func(path string) ([]byte, error)) ([]Source, error) {
	b, err := file(path)
	if err != nil {
		return nil, fmt.Errorf("read the topology: %w", err)
	}
	return append(l, Source{Name: path, Data: b}), nil
}

// readFile reads at most a byte more than is allowed, whatever the file claims to be.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if st, err := f.Stat(); err == nil && st.Size() <= MaxFile {
		b.Grow(int(st.Size()) + bytes.MinRead) // it asks for room before it finds the end
	}
	_, err = b.ReadFrom(io.LimitReader(f, MaxFile+1))
	return b.Bytes(), err
}
