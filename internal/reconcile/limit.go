package reconcile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// Limit bounds how much a plan may delete. The zero value sets no bound.
type Limit struct {
	set     bool
	percent bool
	n       int
}

// ParseLimit reads a number of objects ("5") or a part of those that there are
// ("10%"); "" is no bound.
func ParseLimit(s string) (Limit, error) {
	if s == "" {
		return Limit{}, nil
	}
	number, percent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || percent && n > 100 {
		return Limit{}, fmt.Errorf("%q is neither a number of objects (5) nor a part of them (10%%)", s)
	}
	return Limit{set: true, percent: percent, n: n}, nil
}

// String returns what ParseLimit read.
func (l Limit) String() string {
	switch {
	case !l.set:
		return ""
	case l.percent:
		return fmt.Sprintf("%d%%", l.n)
	}
	return strconv.Itoa(l.n)
}

// check refuses a plan that deletes more. Replaced objects don't count: they are
// there again afterwards.
func (l Limit) check(p *diff.Plan) error {
	s := p.Summary()
	ours := p.Unchanged + s.Change + s.Replace + s.Destroy
	if !l.set || s.Destroy == 0 {
		return nil
	}
	most := l.n
	if l.percent {
		most = ours * l.n / 100
	}
	if s.Destroy <= most {
		return nil
	}
	return fmt.Errorf("the plan destroys %d of %d objects, more than --max-destroy %s allows; nothing was changed; if all of that is meant, give a higher limit", s.Destroy, ours, l)
}
