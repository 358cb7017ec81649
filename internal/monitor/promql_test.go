package monitor_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// series are the labels of a metric, and the values that each has in a status that has
// everything.
type series map[string]map[string]bool

// vocabulary is what a query may speak of.
type vocabulary map[string]series

// words are those of PromQL that the examples use.
func words() []string {
	return []string{
		"by", "without", "on", "offset", "unless", "and", "or", "sum", "count", "topk", "rate", "increase", "histogram_quantile", "time", "absent", "vector",
	}
}

// token is a piece of a query: a string, a number or duration, a name, an operator.
var token = regexp.MustCompile(`"[^"]*"|[0-9][0-9a-z.]*|[a-zA-Z_:][a-zA-Z0-9_:]*|=~|!~|!=|==|>=|<=|[-+*/<>=(){}\[\],]`)

// check returns what is wrong in a query: names of metrics and labels that there are not.
// It is no parser, which would be a large module; what it cannot read is wrong, too.
func (v vocabulary) check(query string) []string {
	query = strings.ReplaceAll(query, "$__rate_interval", "5m")
	if rest := strings.TrimSpace(token.ReplaceAllString(query, "")); rest != "" {
		return []string{fmt.Sprintf("cannot read %q", rest)}
	}
	c := &checking{vocabulary: v, tokens: token.FindAllString(query, -1), known: map[string]bool{"job": true, "instance": true}}
	c.run()
	if len(c.metrics) == 0 {
		c.wrong = append(c.wrong, "it asks for no metric")
	}
	for _, l := range c.grouping {
		if !c.known[l] {
			c.wrong = append(c.wrong, "no metric of it has the label "+l)
		}
	}
	return c.wrong
}

// checking goes through a query.
type checking struct {
	vocabulary
	tokens   []string
	i        int
	metrics  []string
	known    map[string]bool // labels of the metrics
	grouping []string        // labels by which it groups or matches
	wrong    []string
}

func (c *checking) next() string {
	if c.i++; c.i > len(c.tokens) {
		return ""
	}
	return c.tokens[c.i-1]
}

func (c *checking) peek() string {
	if c.i == len(c.tokens) {
		return ""
	}
	return c.tokens[c.i]
}

func (c *checking) run() {
	depth := 0
	for t := c.next(); t != ""; t = c.next() {
		switch {
		case t == "by" || t == "without" || t == "on":
			for t = c.next(); t != ")" && t != ""; t = c.next() {
				if t != "(" && t != "," {
					c.grouping = append(c.grouping, t)
				}
			}
		case strings.ContainsAny(t, "([{"):
			depth++
		case strings.ContainsAny(t, ")]}"):
			depth--
		case !regexp.MustCompile(`^[a-zA-Z_:]`).MatchString(t) || slices.Contains(words(), t):
		default:
			c.metric(t)
		}
	}
	if depth != 0 {
		c.wrong = append(c.wrong, "brackets don't match")
	}
}

func (c *checking) metric(name string) {
	s, ok := c.vocabulary[name]
	if !ok {
		c.wrong = append(c.wrong, "there is no metric "+name)
		return
	}
	c.metrics = append(c.metrics, name)
	for l := range s {
		c.known[l] = true
	}
	if c.peek() != "{" {
		return
	}
	c.next()
	for c.peek() != "" && c.peek() != "}" {
		label, op, value := c.next(), c.next(), strings.Trim(c.next(), `"`)
		if c.peek() == "," {
			c.next()
		}
		values, ok := s[label]
		switch {
		case label == "job" || label == "instance":
		case !ok:
			c.wrong = append(c.wrong, fmt.Sprintf("%s has no label %s", name, label))
		case (op == "=" || op == "!=") && !values[value]:
			c.wrong = append(c.wrong, fmt.Sprintf("%s has no %s %q, but %q", name, label, value, slices.Sorted(maps.Keys(values))))
		}
	}
	c.next()
}

// vocabularyOf takes the metrics from a scrape.
func vocabularyOf(t *testing.T) vocabulary {
	t.Helper()
	v := vocabulary{"up": {}}
	for name, f := range scraped(t) {
		s := series{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if s[l.GetName()] == nil {
					s[l.GetName()] = map[string]bool{}
				}
				s[l.GetName()][l.GetValue()] = true
			}
		}
		if f.GetMetric()[0].GetHistogram() == nil {
			v[name] = s
			continue
		}
		v[name+"_count"], v[name+"_sum"], v[name+"_bucket"] = s, s, maps.Clone(s)
		v[name+"_bucket"]["le"] = map[string]bool{}
	}
	return v
}

// The check finds what is wrong.
func TestQueryCheck(t *testing.T) {
	v := vocabularyOf(t)
	for query, want := range map[string]string{
		`netplan_overlay_sate == 0`:                                           "there is no metric netplan_overlay_sate",
		`netplan_overlay_state{stat="in-sync"} == 0`:                          "netplan_overlay_state has no label stat",
		`netplan_overlay_state{state="insync"} == 0`:                          `netplan_overlay_state has no state "insync"`,
		`sum by (why) (netplan_overlay_state)`:                                "no metric of it has the label why",
		`sum by (le) (rate(netplan_overlay_passes_total[5m]))`:                "no metric of it has the label le",
		`rate(netplan_overlay_pass_duration_seconds[5m])`:                     "there is no metric netplan_overlay_pass_duration_seconds",
		`sum(netplan_overlay_state`:                                           "brackets don't match",
		`sum(netplan_overlay_state) ; 1`:                                      `cannot read ";"`,
		`time() > 1`:                                                          "it asks for no metric",
		`netplan_overlay_state unless on (job, peer) netplan_overlay_objects`: "no metric of it has the label peer",
		`averag(netplan_overlay_objects)`:                                     "there is no metric averag",
		`netplan_overlay_state{job=~"$job", state!="in-sync"} == 1`:           "",
		`histogram_quantile(0.9, sum by (le, trigger) (rate(netplan_overlay_pass_duration_seconds_bucket{trigger="timer"}[$__rate_interval])))`: "",
	} {
		got := strings.Join(v.check(query), "; ")
		if got != want && (want == "" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
