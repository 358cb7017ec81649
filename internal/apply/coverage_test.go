package apply_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// reliabilityVar asks for the whole of the fault injection ("make reliability").
const reliabilityVar = "NETPLAN_OVERLAY_TEST_RELIABILITY"

// howMany is how many random hosts to try: as many as it takes to cover everything.
func howMany() int {
	switch {
	case *hosts > 0:
		return *hosts
	case os.Getenv(reliabilityVar) != "":
		return 3000
	case os.Getenv("VMRUN") != "":
		return 200 // the fake kernel is the same there
	}
	return 1200
}

// mostPoints is at how many steps of a plan to fail; 0: at all.
func mostPoints() int {
	if os.Getenv(reliabilityVar) != "" {
		return 0
	}
	return *points
}

// nameOf tells a backend from the others.
func nameOf(b spec.Backend) string {
	return strings.TrimSpace(fmt.Sprintf("%s%d%s %v", b.Type, b.Family, b.Mode, b.DirectRouting))
}

// coverage counts what was tried: "create link", "switch a to b", "destroy a", and the
// steps in all.
type coverage map[string]int

func (c coverage) plan(s story) {
	switch {
	case s.to == "":
		c["destroy "+s.from]++
	case s.to == s.from:
		c["change "+s.from]++
	default:
		c["switch "+s.from+" to "+s.to]++
	}
	c["plans"]++
}

func (c coverage) step(s model.Step) {
	c[s.Op.String()+" "+s.Key().Kind.String()]++
	c["steps"]++
}

// complete fails the test unless each kind was created, updated and deleted, and each
// backend changed, destroyed and switched to each other one.
func (c coverage) complete(t *testing.T) {
	t.Helper()
	var want []string
	for _, k := range model.Kinds() {
		for _, op := range []model.Op{model.OpCreate, model.OpUpdate, model.OpDelete} {
			if k != model.KindAddress || op != model.OpUpdate { // all of an address is its key, but for the mark
				want = append(want, op.String()+" "+k.String())
			}
		}
	}
	for _, a := range backends {
		want = append(want, "destroy "+nameOf(a), "change "+nameOf(a))
		for _, b := range backends {
			if nameOf(a) != nameOf(b) {
				want = append(want, "switch "+nameOf(a)+" to "+nameOf(b))
			}
		}
	}
	for _, w := range want {
		if c[w] == 0 && os.Getenv("VMRUN") == "" {
			t.Errorf("not tried: %s", w)
		}
	}
	if mostPoints() == 0 {
		proved(t, fmt.Sprintf("a step fails (EIO): each one of %d random plans, in turn; every kind, backend, switch and destroy", c["plans"]),
			"fake kernel", c["steps"], "all is as before")
	}
}

// proved says what a test has proved, for hack/reliability.
func proved(t *testing.T, fault, where string, runs int, result string) {
	t.Helper()
	t.Logf(`reliability: {"fault":%q,"where":%q,"runs":%d,"result":%q,"ok":%v}`, fault, where, runs, result, !t.Failed())
}
