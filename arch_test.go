package netplanoverlay_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/netplan-overlay/netplan-overlay/"

// floors is the house: a package imports lower floors only. Tests may import their
// own floor, too.
var floors = map[string]int{
	"internal/model": 0, "internal/status": 0, "internal/garbage": 0,
	"internal/spec/schema": 5,
	"internal/spec":        10, "internal/kernel": 10, "internal/fake": 10, "internal/logs": 10,
	"internal/desired/backend": 19, "internal/desired": 20, "internal/observe": 20,
	"internal/journal": 20, "internal/service": 20, "internal/snapshot": 25,
	"internal/diff":   30,
	"internal/render": 40, "internal/apply": 40, "internal/verify": 40, "internal/export": 40,
	"internal/lab": 50, "internal/guard": 50, "internal/watch": 50, "internal/probe": 50, "internal/remote": 50, "internal/monitor": 50,
	"internal/reconcile": 60,
	"internal/review":    65, "internal/daemon": 65,
	"cmd/netplan-overlay": 70,
	"bench/watch":         75,
	"bench/scale":         75,
	"hack/report":         70,
	"hack/impact":         70,
	"hack/reliability":    70,
}

// owners says which package alone may import an external module outside tests, and
// for yaml.v3, in how many files.
var owners = []struct{ module, owner string }{
	{"gopkg.in/yaml.v3", "internal/spec"},
	{"golang.org/x/sys", "internal/kernel"},
	{"github.com/spf13/", "cmd/netplan-overlay"},
	{"github.com/fsnotify/fsnotify", "internal/watch"},
	{"github.com/prometheus/", "internal/monitor"},
	{"github.com/google/go-cmp", "tests"},
	{"github.com/santhosh-tekuri/jsonschema", "tests"},
}

// maxLines is how long a file may be.
const maxLines = 400

func TestArchitecture(t *testing.T) {
	for _, breach := range breaches(t, ".") {
		t.Error(breach)
	}
}

// The test above can fail: each breach of testdata/arch is found.
func TestArchitectureFindsBreaches(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/arch")); err != nil {
		t.Fatal(err)
	}
	long := "package diff\n" + strings.Repeat("// 1\n", maxLines)
	if err := os.WriteFile(filepath.Join(dir, "internal/diff/long.go"), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	found := strings.Join(breaches(t, dir), "\n")
	for _, want := range []string{
		"internal/model/model.go imports internal/diff",
		"internal/model/model.go imports golang.org/x/sys/unix, which belongs to internal/kernel",
		"internal/diff/diff.go imports internal/fake, which is for tests",
		"internal/diff/diff.go imports github.com/google/go-cmp/cmp, which belongs to tests",
		"internal/diff/diff.go imports github.com/somebody/something, which nobody owns",
		"internal/diff/diff.go: a function init",
		"internal/diff/diff.go: panic",
		"internal/diff/diff.go: the variable cache can be changed",
		"internal/cellar/cellar.go: the package is on no floor",
		"internal/spec/b.go imports gopkg.in/yaml.v3, and so does internal/spec/a.go",
		"internal/diff/long.go has 401 lines",
		"internal/diff/diff.go imports os/exec, which belongs to internal/lab",
		"internal/diff/diff.go: os.WriteFile",
		"internal/diff/diff.go: syscall.Exec",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("not found: %s\nfound:\n%s", want, found)
		}
	}
}

// checker walks a tree of packages.
type checker struct {
	found []string
	yaml  string // the file that imports yaml.v3
}

func (c *checker) breach(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// breaches returns what is against the rules below root.
func breaches(t *testing.T, root string) []string {
	t.Helper()
	c := &checker{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(p, root), "/"))
		if d.IsDir() {
			if p != root && (d.Name() == "testdata" || d.Name() == "tools" || strings.HasPrefix(d.Name(), ".") || isModule(p)) {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			return c.file(p, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.found
}

// isModule says whether a directory has a go.mod of its own: nothing of it ships.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (c *checker) file(p, name string) error {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if n := set.File(f.Pos()).LineCount(); n > maxLines {
		c.breach("%s has %d lines, more than %d", name, n, maxLines)
	}
	dir, test := path.Dir(name), strings.HasSuffix(name, "_test.go")
	if dir == "." {
		return nil // this test
	}
	floor, ok := floors[dir]
	if !ok {
		c.breach("%s: the package is on no floor: add it to the table", name)
		return nil
	}
	for _, i := range f.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		c.imports(name, floor, test, imported)
	}
	if !test {
		c.body(name, f)
	}
	return nil
}

func (c *checker) imports(name string, floor int, test bool, imported string) {
	if own, ok := strings.CutPrefix(imported, module); ok {
		other, known := floors[own]
		switch {
		case !known:
			c.breach("%s imports %s, which is on no floor", name, own)
		case other > floor || other == floor && !test:
			c.breach("%s imports %s, which is not below it", name, own)
		case own == "internal/fake" && !test:
			c.breach("%s imports internal/fake, which is for tests", name)
		}
		return
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") || test {
		if imported == "os/exec" && !test && !slices.Contains(programs(), path.Dir(name)) {
			c.breach("%s imports os/exec, which belongs to internal/lab, internal/guard and internal/remote: nothing else starts programs, least of all with what stands in a file", name)
		}
		return // the standard library; tests may take what go.mod has
	}
	c.external(name, imported)
}

func (c *checker) external(name, imported string) {
	for _, o := range owners {
		if !strings.HasPrefix(imported, o.module) {
			continue
		}
		if path.Dir(name) != o.owner {
			c.breach("%s imports %s, which belongs to %s", name, imported, o.owner)
		}
		if o.module == "gopkg.in/yaml.v3" {
			if c.yaml != "" {
				c.breach("%s imports %s, and so does %s", name, imported, c.yaml)
			}
			c.yaml = name
		}
		return
	}
	c.breach("%s imports %s, which nobody owns: add it to the table, with its reason in the commit", name, imported)
}

// body looks for init functions, panics, and variables of a package that can change.
func (c *checker) body(name string, f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				c.breach("%s: a function init", name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR {
					c.variable(name, v)
				}
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			c.selector(name, s)
		}
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				c.breach("%s: panic: return an error", name)
			}
		}
		return true
	})
}

// programs are the packages that start programs: this one again, in a lab what its user
// types, and the system's git and ssh; and what measures it.
func programs() []string {
	return []string{"internal/lab", "internal/guard", "internal/remote", "bench/watch", "bench/scale"}
}

// guarded are functions that start programs, or change files by paths that may lead
// through links: kernel.Dir is the way to files, and the lab's are in its own /run.
var guarded = map[string][]string{
	"os": {
		"StartProcess", "Create", "CreateTemp", "OpenFile", "WriteFile", "Mkdir", "MkdirAll", "MkdirTemp", "Rename", "Remove",
		"RemoveAll", "Symlink", "Link", "Chmod", "Chown", "Lchown", "Truncate", "CopyFS", "OpenRoot",
	},
	"syscall": {
		"Exec", "ForkExec", "StartProcess", "Open", "Openat", "Creat", "Mkdir", "Rename", "Unlink", "Rmdir", "Symlink", "Link",
		"Chmod", "Chown", "Truncate", "Mount", "Unmount",
	},
}

func (c *checker) selector(name string, s *ast.SelectorExpr) {
	dir := path.Dir(name)
	if dir == "internal/kernel" || dir == "internal/lab" || strings.HasPrefix(dir, "hack/") || strings.HasPrefix(dir, "bench/") {
		return
	}
	if x, ok := s.X.(*ast.Ident); ok && slices.Contains(guarded[x.Name], s.Sel.Name) {
		c.breach("%s: %s.%s: files are changed through kernel.Dir, programs started by internal/lab, internal/guard and internal/remote", name, x.Name, s.Sel.Name)
	}
}

// variable refuses variables of a package but errors, expressions that are compiled
// once, at the start or when they are first needed, plain values, and tables that nothing
// is assigned to by their making: maps, and slices, could be changed by anyone.
func (c *checker) variable(name string, v *ast.ValueSpec) {
	for i, id := range v.Names {
		if i >= len(v.Values) {
			if x, ok := v.Type.(*ast.SelectorExpr); ok && x.Sel.Name == "FS" {
				continue // embed.FS: files that can only be read
			}
			c.breach("%s: the variable %s can be changed", name, id.Name)
			continue
		}
		switch x := v.Values[i].(type) {
		case *ast.CallExpr:
			if s, ok := x.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"New", "MustCompile", "MustParsePrefix", "OnceValue"}, s.Sel.Name) {
				continue
			}
			c.breach("%s: the variable %s can be changed", name, id.Name)
		case *ast.CompositeLit:
			if _, isMap := x.Type.(*ast.MapType); isMap && !readOnlyTables[name+":"+id.Name] {
				c.breach("%s: the variable %s can be changed", name, id.Name)
			}
		}
	}
}

// readOnlyTables are maps that nothing writes to.
var readOnlyTables = map[string]bool{
	"internal/observe/owner.go:fallbackLinks": true,
}
