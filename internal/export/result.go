package export

import (
	"fmt"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxTold is how many things that were left out are told in the file itself.
const maxTold = 20

// result puts the file together, and finds out what is left to do with it.
func (x *exporter) result(r *reading) *Result {
	out := &Result{Left: x.left, Assumed: x.assumed}
	for _, s := range x.seen {
		desired.Adapt(r.states[s].State, s.state)
		p := diff.Compute(r.states[s].State, s.state, diff.Options{Adopt: true})
		out.Remains = append(out.Remains, remains(s.host.Node, p)...)
	}
	var b strings.Builder
	comment(&b, "Assumed", x.assumed)
	comment(&b, "Left out", x.left)
	out.File = []byte(b.String() + x.out.write(false).String())
	return out
}

func comment(b *strings.Builder, title string, lines []string) {
	for i, l := range lines {
		if i == maxTold {
			fmt.Fprintf(b, "# %s: %d more\n", title, len(lines)-i)
			return
		}
		fmt.Fprintf(b, "# %s: %s\n", title, l)
	}
}

// remains lists what a plan does beside adopting.
func remains(node string, p *diff.Plan) (l []string) {
	tell := func(format string, args ...any) {
		l = append(l, printable(node+": "+fmt.Sprintf(format, args...)))
	}
	for _, c := range p.Changes {
		if c.Action == diff.Adopt && !changes(c.Differences()) {
			continue
		}
		s := c.Action.String() + " " + c.Key().String()
		for _, a := range c.Differences() {
			if !a.Mark && (c.Action == diff.Update || c.Action == diff.Adopt) {
				s += fmt.Sprintf(", %s %s -> %s", a.Name, a.Before, a.After)
			}
		}
		tell("%s", s)
	}
	for _, c := range p.Conflicts {
		tell("conflict: %s is there, and not as it would have to be", c.Got.Key())
	}
	for _, e := range p.Missing {
		tell("%s is missing", e.Object.Key())
	}
	return l
}

// changes says whether more than marks differ.
func changes(attrs []model.AttrChange) bool {
	for _, a := range attrs {
		if !a.Mark {
			return true
		}
	}
	return false
}
