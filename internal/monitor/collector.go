package monitor

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// prefix is that of each metric of the status.
const prefix = "netplan_overlay_"

// Collector makes metrics of a status, at the moment at which it is asked: nothing is
// counted here.
type Collector struct {
	status  func() *status.Status
	metrics []*metric
}

// NewCollector makes metrics of what a function tells, which any goroutine may call.
func NewCollector(f func() *status.Status) prometheus.Collector {
	return &Collector{status: f, metrics: metrics()}
}

// put emits a value, with one label value for each label.
type put func(v float64, labels ...string)

// metric is one of the status.
type metric struct {
	desc   *prometheus.Desc
	typ    prometheus.ValueType
	values func(s *status.Status, put put)                     // nil: a histogram
	times  func(s *status.Status) map[string]*status.Histogram // by its label; "" where it has none
}

func describe(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

func gauge(name, help string, f func(*status.Status, put), labels ...string) *metric {
	return &metric{desc: describe(name, help, labels), typ: prometheus.GaugeValue, values: f}
}

func counter(name, help string, f func(*status.Status, put), labels ...string) *metric {
	return &metric{desc: describe(name, help, labels), typ: prometheus.CounterValue, values: f}
}

func histogram(name, help string, f func(*status.Status) map[string]*status.Histogram, labels ...string) *metric {
	return &metric{desc: describe(name, help, labels), times: f}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	s := c.status()
	for _, m := range c.metrics {
		if m.values != nil {
			m.collect(s, to)
		} else {
			m.collectTimes(s, to)
		}
	}
}

// collect emits each combination of labels once: a second one would spoil the scrape.
func (m *metric) collect(s *status.Status, to chan<- prometheus.Metric) {
	seen := map[string]bool{}
	m.values(s, func(v float64, labels ...string) {
		labels = fit(labels)
		if k := strings.Join(labels, "\xff"); !seen[k] {
			seen[k] = true
			to <- emitted(m.desc)(prometheus.NewConstMetric(m.desc, m.typ, v, labels...))
		}
	})
}

func (m *metric) collectTimes(s *status.Status, to chan<- prometheus.Metric) {
	for label, h := range m.times(s) {
		if h == nil {
			continue
		}
		var labels []string
		if label != "" {
			labels = fit([]string{label})
		}
		to <- emitted(m.desc)(prometheus.NewConstHistogram(m.desc, h.Count, h.Sum, buckets(h), labels...))
	}
}

// buckets adds up: those of Prometheus hold what is in the smaller ones, too.
func buckets(h *status.Histogram) map[float64]uint64 {
	b := make(map[float64]uint64, len(status.Bounds))
	var sum uint64
	for i, bound := range status.Bounds {
		sum += h.Counts[i]
		b[bound] = sum
	}
	return b
}

// emitted makes an error into a metric that tells it.
func emitted(d *prometheus.Desc) func(prometheus.Metric, error) prometheus.Metric {
	return func(m prometheus.Metric, err error) prometheus.Metric {
		if err != nil {
			return prometheus.NewInvalidMetric(d, err)
		}
		return m
	}
}

// fit makes label values UTF-8, which names of the kernel need not be.
func fit(labels []string) []string {
	l := make([]string, len(labels))
	for i, s := range labels {
		l[i] = strings.ToValidUTF8(s, "\ufffd")
	}
	return l
}

// processRegistry has metrics of the process and of Go.
func processRegistry() (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector()} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}
