package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// Applied writes what was done, after a plan was executed and the host looked at
// again.
func Applied(w io.Writer, h Header, p *diff.Plan, o Options) error {
	t := &planText{page: page{color: o.Color}, header: h, plan: p}
	s := p.Summary()
	var parts []string
	for _, x := range []struct {
		n    int
		word string
	}{{s.Add, "added"}, {s.Change, "changed"}, {s.Replace, "replaced"}, {s.Destroy, "destroyed"}, {s.Adopt, "adopted"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.word))
		}
	}
	t.printf("\n%s %s.\n", t.paint(green, "Done:"), strings.Join(parts, ", "))
	return t.writeTo(w)
}
