package export

import (
	"fmt"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// maxRounds is how often the file is read again without what was wrong in it.
const maxRounds = 20

// validate leaves out of the file what its reader refuses, such as names that the kernel
// takes and a topology doesn't, or subnets that overlap.
func (x *exporter) validate() error {
	for range maxRounds {
		w := x.out.write(true)
		problems := errorsOf(w)
		if len(problems) == 0 {
			return nil
		}
		dropped := map[*part]bool{}
		for _, p := range problems {
			part := w.at(p.Pos)
			if part == nil {
				return &refused{problems}
			}
			if !dropped[part] {
				dropped[part] = true
				x.leave(part.node, "%s: %s", part.what, placeless(p.Message))
				part.drop()
			}
		}
	}
	return &refused{errorsOf(x.out.write(true))}
}

// errorsOf reads the file and returns what is wrong with it.
func errorsOf(w *writer) (l []spec.Problem) {
	_, problems := spec.Parse([]spec.Source{{Name: "export", Data: []byte(w.String())}})
	for _, p := range problems {
		if !p.Warning {
			l = append(l, p)
		}
	}
	return l
}

// at returns the part that a line is about; nil where it is about the whole.
func (w *writer) at(pos spec.Pos) *part {
	if pos.Line < 1 || pos.Line > len(w.parts) {
		return nil
	}
	return w.parts[pos.Line-1]
}

// refused is a file that its reader doesn't take.
type refused struct{ problems []spec.Problem }

// Error lists what is wrong, by the path in the file.
func (e *refused) Error() string {
	l := []string{"no topology describes what is there:"}
	for _, p := range e.problems {
		l = append(l, printable(fmt.Sprintf("  %s: %s", p.Path, placeless(p.Message))))
	}
	return strings.Join(l, "\n")
}
