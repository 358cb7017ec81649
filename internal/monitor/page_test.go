package monitor_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const pageHead = `# Metrics

` + "`make golden`" + ` writes this page from what the program says of each metric. How to get at them: [status.md](status.md).
They are made of the same status that ` + "`netplan-overlay status`" + ` shows, at the moment of the scrape. Beside them there are
those of the process (` + "`process_*`" + `) and of Go (` + "`go_*`" + `), which the text file for node_exporter leaves out: it has its own.

`

const pageTail = `
Values of labels:
- ` + "`kind`" + `: netns, sysctl, link, address, fdb, neighbour, route.
- ` + "`action`" + `: create, update, replace, delete, adopt. ` + "`reason`" + `: spec (the file asks for something else than before), drift (the host was
  changed by somebody else), orphan (nothing asks for it any more), cascade (another change made it necessary), unknown.
- ` + "`trigger`" + `: file (a revision), timer (from time to time), event (a full look because of one), point (a look at the objects that
  events were about, and at what goes with them), lost (the kernel told more than could be taken), retry (of what failed, or was held back), signal (SIGHUP).
- ` + "`state`" + ` of the host: starting, waiting, in-sync, repairing, drifted, failing, unattended, stopping; of peers: up, down, unknown.
- ` + "`why`" + ` of objects: failing, contested, impact, pace, conflict; of a revision: invalid, failed, refused, impact, waiting.
- ` + "`fate`" + `: applied, invalid, failed, held.
- ` + "`peer`" + `: the node; ` + "`namespace`" + `: whose address is probed, empty for the node's own end of the overlay.
`

// families are those of a status that has everything, by name.
func families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(of(full())); err != nil {
		t.Fatal(err)
	}
	l, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]*dto.MetricFamily{}
	for _, f := range l {
		m[f.GetName()] = f
	}
	return m
}

func labelsOf(f *dto.MetricFamily) []string {
	var l []string
	for _, p := range f.GetMetric()[0].GetLabel() {
		l = append(l, p.GetName())
	}
	return l
}

// docs/metrics.md tells of each metric what the program does.
func TestMetricsPage(t *testing.T) {
	all := families(t)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(pageHead + "| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, name := range names {
		f := all[name]
		labels := ""
		if l := labelsOf(f); len(l) > 0 {
			labels = "`" + strings.Join(l, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), labels, f.GetHelp())
	}
	b.WriteString(pageTail)
	const page = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("docs/metrics.md (-page +program); make golden writes it:\n%s", d)
	}
	if n := strings.Count(b.String(), "\n| `netplan_overlay_"); n != descriptions() {
		t.Errorf("%d metrics are described, and %d told", descriptions(), n)
	}
}

// descriptions is how many metrics there can be.
func descriptions() int {
	to := make(chan *prometheus.Desc, 1000)
	of(full()).Describe(to)
	return len(to)
}
