package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// results are all that was measured in a run.
type results struct {
	Machine machine   `json:"machine"`
	Series  []*series `json:"series"`
	Left    []string  `json:"left,omitempty"` // what could not be measured, and why

	elsewhere map[string]string // the kernel of parts that were measured on another one
}

// series are the samples of one way to do something.
type series struct {
	Part    string   `json:"part"` // "vxlan", "host-gw", "foreign"...
	N       int      `json:"n"`    // of peers, or of namespaces
	Way     string   `json:"way"`
	Samples []sample `json:"samples"`
}

// sample is what was measured once.
type sample struct {
	Time time.Duration `json:"time"`
	User time.Duration `json:"user,omitempty"`
	Sys  time.Duration `json:"sys,omitempty"`
	Peak int           `json:"peak,omitempty"` // KiB
}

// writesWay is the one whose samples are not times, but how many requests were written.
const writesWay = "writes, one changed"

// add notes a sample.
func (r *results) add(part string, n int, way string, x sample) {
	s := r.get(part, n, way)
	if s == nil {
		s = &series{Part: part, N: n, Way: way}
		r.Series = append(r.Series, s)
	}
	s.Samples = append(s.Samples, x)
}

// leave notes what could not be measured, and why.
func (r *results) leave(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	fmt.Fprintf(os.Stderr, "  left out: %s\n", why)
	if !slices.Contains(r.Left, why) {
		r.Left = append(r.Left, why)
	}
}

// tell reports a part on stderr.
func (r *results) tell(part string, n int) {
	for _, s := range r.Series {
		if s.Part == part && s.N == n && s.Way != writesWay {
			fmt.Fprintf(os.Stderr, "  %-10s %6d  %-28s %10s ms  (%d)\n", part, n, s.Way, millis(s.time()), len(s.Samples))
		}
	}
}

// get returns a series, or nil.
func (r *results) get(part string, n int, way string) *series {
	i := slices.IndexFunc(r.Series, func(s *series) bool { return s.Part == part && s.N == n && s.Way == way })
	if i < 0 {
		return nil
	}
	return r.Series[i]
}

// sizes are the numbers for which a part was measured, in order.
func (r *results) sizes(part string) []int {
	var l []int
	for _, s := range r.Series {
		if s.Part == part {
			l = append(l, s.N)
		}
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// time is the median; of no series, 0.
func (s *series) time() time.Duration {
	return median(s, func(x sample) time.Duration { return x.Time })
}

// cpu is the median of the processor's time, in user and system mode.
func (s *series) cpu() time.Duration {
	return median(s, func(x sample) time.Duration { return x.User + x.Sys })
}

// peak is the most memory that any run had, in KiB.
func (s *series) peak() int {
	most := 0
	if s != nil {
		for _, x := range s.Samples {
			most = max(most, x.Peak)
		}
	}
	return most
}

func median[T cmp.Ordered](s *series, of func(sample) T) T {
	var l []T
	if s != nil {
		for _, x := range s.Samples {
			l = append(l, of(x))
		}
	}
	if len(l) == 0 {
		var zero T
		return zero
	}
	slices.Sort(l)
	return l[len(l)/2]
}

func (r *results) write(path string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func readResults(path string) (*results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &results{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func millis(d time.Duration) string {
	switch ms := d.Seconds() * 1000; {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	default:
		return fmt.Sprintf("%.0f", ms)
	}
}
