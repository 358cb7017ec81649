package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Git reads files of a revision from a repository, by the system's git.
type Git struct {
	// Dir is a directory within the repository; "": the working directory.
	Dir string
	// Rev names the revision, in any way that git understands: gitrevisions(7).
	Rev string

	commit string // what Rev is
	prefix string // of Dir within the repository
}

// AbsentError says that a revision does not have a file.
type AbsentError struct{ Rev, Path string }

// Error names both.
func (e *AbsentError) Error() string { return fmt.Sprintf("%s has no %s", e.Rev, e.Path) }

// gitWaits is how long git may take: it reads a local repository, but may have to fetch
// what a partial clone lacks.
const gitWaits = time.Minute

// Open finds the revision.
func (g *Git) Open(ctx context.Context) error {
	if g.Rev == "" || strings.HasPrefix(g.Rev, "-") {
		return fmt.Errorf("git:%s: %q is no revision; it is one that git knows, such as origin/main, as in git:origin/main:topology.yaml", g.Rev, g.Rev)
	}
	prefix, err := g.run(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return err
	}
	g.prefix = strings.TrimSuffix(string(prefix), "\n")
	// No option begins without -; --end-of-options is not understood here before Git 2.30.
	commit, err := g.run(ctx, "rev-parse", "--verify", "--quiet", g.Rev+"^{commit}")
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() == 1 {
		return fmt.Errorf("the repository has no revision %s; fetch it first: git fetch origin BRANCH (in a pipeline, clone with the full history, or at least that branch)", g.Rev)
	}
	g.commit = strings.TrimSpace(string(commit))
	return err
}

// Read returns the files at a path: a file, or those of a directory that count, sorted. A
// path that begins with ./ or ../ is seen from Dir, any other one from the repository's
// top. An *AbsentError says that there is nothing.
func (g *Git) Read(ctx context.Context, name string) ([]spec.Source, error) {
	where := path.Clean(name)
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || name == "." || name == ".." {
		where = path.Join(g.prefix, name)
	}
	if strings.HasPrefix(where, "/") || where == ".." || strings.HasPrefix(where, "../") {
		return nil, fmt.Errorf("git:%s:%s: the path leads out of the repository", g.Rev, name)
	}
	shown := "git:" + g.Rev + ":" + where
	if where == "." {
		return g.directory(ctx, shown, g.commit+"^{tree}")
	}
	l, err := g.list(ctx, g.commit, where)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if len(l) == 0 {
		return nil, &AbsentError{g.Rev, where}
	}
	if l[0].kind == "tree" {
		return g.directory(ctx, shown, l[0].hash)
	}
	s, err := g.file(ctx, shown, l[0])
	return []spec.Source{s}, err
}

// entry is what git ls-tree says of a file.
type entry struct{ mode, kind, hash, name string }

// list lists a tree, or the one entry of it that is named.
func (g *Git) list(ctx context.Context, tree string, only ...string) ([]entry, error) {
	args := append([]string{"--literal-pathspecs", "ls-tree", "-z", "--full-tree", tree, "--"}, only...)
	b, err := g.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	var l []entry
	for line := range strings.SplitSeq(strings.TrimSuffix(string(b), "\x00"), "\x00") {
		meta, name, ok := strings.Cut(line, "\t")
		f := strings.Fields(meta)
		if ok && len(f) == 3 {
			l = append(l, entry{f[0], f[1], f[2], name})
		}
	}
	return l, nil
}

func (g *Git) directory(ctx context.Context, shown, tree string) ([]spec.Source, error) {
	l, err := g.list(ctx, tree)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	l = slices.DeleteFunc(l, func(e entry) bool { return e.kind != "blob" || !spec.IsTopologyFile(e.name) })
	if len(l) == 0 {
		return nil, &AbsentError{g.Rev, "*.yaml in " + shown}
	}
	var out []spec.Source
	for _, e := range l {
		s, err := g.file(ctx, strings.TrimSuffix(shown, "/")+"/"+e.name, e)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// symlink is the mode of a symbolic link in a tree: its content is where it leads.
const symlink = "120000"

func (g *Git) file(ctx context.Context, shown string, e entry) (spec.Source, error) {
	switch {
	case e.mode == symlink:
		return spec.Source{}, fmt.Errorf("%s is a symbolic link; name the file that it leads to", shown)
	case e.kind != "blob":
		return spec.Source{}, fmt.Errorf("%s is not a file, but a %s", shown, e.kind)
	}
	b, err := g.run(ctx, "cat-file", "blob", e.hash) // as it is stored: no filter or textconv
	if err != nil {
		return spec.Source{}, fmt.Errorf("%s: %w", shown, err)
	}
	return spec.Source{Name: shown, Data: b}, nil
}

// run runs git and returns what it prints, at most a little more than a topology may
// have: who reads it refuses what is larger.
func (g *Git) run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitWaits)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager"}, args...)...)
	cmd.Dir, cmd.Env = g.Dir, gitEnvironment(os.Environ())
	out, errs := &bounded{most: spec.MaxFile + 1}, &bounded{most: maxMessage}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	switch {
	case err == nil:
		return out.kept, nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed, or not in PATH; name a file instead: --base old.yaml")
	case ctx.Err() != nil:
		return nil, fmt.Errorf("git %s: %w", args[0], ctx.Err())
	}
	if text := errs.message(); text != "" {
		return nil, errors.New("git: " + strings.TrimPrefix(text, "fatal: "))
	}
	return nil, fmt.Errorf("git %s: %w", args[0], err)
}

// gitEnvironment is the environment for git: it asks nothing, says nothing in another
// language, and looks for the repository where it is started. A hook of git's own that
// calls us has set another place for the last, relative to its own directory.
func gitEnvironment(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}, name)
	})
	return append(env, "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
}

// Beside returns the repository's view of a path of this machine: the directory that
// it is in, and its name as Read takes it.
func Beside(file string) (dir, name string) {
	clean := filepath.Clean(file)
	if clean == "." || clean == ".." {
		return clean, "./"
	}
	return filepath.Dir(clean), "./" + filepath.Base(clean)
}

// maxMessage is how much of what a program says on stderr is kept, in bytes.
const maxMessage = 64 << 10

// bounded keeps the first bytes that are written to it, and drops the rest.
type bounded struct {
	kept []byte
	most int
}

// Write never fails: the program is to go on.
func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - len(b.kept); room > 0 {
		b.kept = append(b.kept, p[:min(len(p), room)]...)
	}
	return len(p), nil
}

// message is what a program said on stderr, in one line of at most 500 bytes without
// anything that commands a terminal.
func (b *bounded) message() string {
	s := strings.Join(strings.Fields(string(b.kept)), " ")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	const most = 500
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
