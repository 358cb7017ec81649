package monitor_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
)

// scraped is what Prometheus gets.
func scraped(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	dir := runDir(t)
	stop := serve(t, &host{s: full()}, monitor.Config{RunDir: dir})
	_, body := request(t, by(dir), "GET", "http://host/metrics")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	m, err := p.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// alerts is a file of rules; what it doesn't list is an error.
type alerts struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr         string
			For                 string
			Labels, Annotations map[string]string
		}
	}
}

// Each alert asks for metrics and labels that there are, and says what they mean.
func TestAlerts(t *testing.T) {
	b, err := os.ReadFile("../../examples/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var a alerts
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	v := vocabularyOf(t)
	names := map[string]bool{}
	for _, g := range a.Groups {
		for _, r := range g.Rules {
			for _, wrong := range v.check(r.Expr) {
				t.Errorf("%s: %s", r.Alert, wrong)
			}
			if !strings.HasPrefix(r.Alert, "NetplanOverlay") || names[r.Alert] || r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%q has no name of its own, no summary or no severity", r.Alert)
			}
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			names[r.Alert] = true
			for _, text := range r.Annotations {
				for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
					if !v.has(r.Expr, m[1]) {
						t.Errorf("%s: it tells the label %s, which it hasn't", r.Alert, m[1])
					}
				}
			}
		}
	}
	if len(names) < 9 {
		t.Errorf("there are only %d alerts", len(names))
	}
}

// has says whether what a query returns may have a label: one of its metrics does, and it
// is not summed up.
func (v vocabulary) has(query, label string) bool {
	if m := regexp.MustCompile(`^\w+ (by|without) \(([^)]*)\)`).FindStringSubmatch(query); m != nil {
		named := strings.Contains(", "+m[2]+",", ", "+label+",")
		if named != (m[1] == "by") {
			return false
		}
	}
	if label == "job" || label == "instance" {
		return true
	}
	for _, name := range token.FindAllString(query, -1) {
		if _, ok := v[name][label]; ok {
			return true
		}
	}
	return false
}

// dashboard is as much of Grafana's as is looked at.
type dashboard struct {
	Title         string
	SchemaVersion int
	Panels        []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ RefID, Expr string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
			Definition string
		}
	}
	Annotations struct{ List []struct{ Expr string } }
}

// Each panel of the dashboard has a title, an explanation, a unit, a place of its own, and
// queries for metrics and labels that there are.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile("../../examples/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	v := vocabularyOf(t)
	used, ids, queries := map[string]bool{}, map[int]bool{}, 0
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] {
			t.Errorf("the panel %d %q has no title, or another one's number", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := fmt.Sprint(p.GridPos.X+x, p.GridPos.Y+y)
				if used[at] || p.GridPos.X+x >= 24 {
					t.Fatalf("%s overlaps another panel", p.Title)
				}
				used[at] = true
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%s lacks an explanation, a unit or a query", p.Title)
		}
		for _, q := range p.Targets {
			queries++
			for _, wrong := range v.check(q.Expr) {
				t.Errorf("%s: %s", p.Title, wrong)
			}
		}
	}
	for _, a := range d.Annotations.List {
		for _, wrong := range v.check(a.Expr) {
			t.Errorf("annotation: %s", wrong)
		}
	}
	for _, x := range d.Templating.List {
		if m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(x.Definition); x.Type == "query" && (m == nil || len(v.check(m[1])) > 0) {
			t.Errorf("the variable %s is taken from %q", x.Name, x.Definition)
		}
	}
	if d.Title == "" || d.SchemaVersion == 0 || queries < 20 {
		t.Errorf("%q, version %d, has %d queries", d.Title, d.SchemaVersion, queries)
	}
}
