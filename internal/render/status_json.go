package render

import (
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// StatusJSON writes how a host that is watched is doing, as status.schema.json says.
func StatusJSON(w io.Writer, s *status.Status) error {
	d := *s
	d.FormatVersion = status.FormatVersion
	if d.Source.Paths == nil {
		d.Source.Paths = []string{}
	}
	orEmpty(&d.Counters.Drift)
	orEmpty(&d.Counters.Passes)
	orEmpty(&d.Counters.Failures)
	orEmpty(&d.Counters.Revisions)
	return writeJSON(w, d)
}

// orEmpty makes a map be an object, and not null.
func orEmpty[K comparable](m *map[K]uint64) {
	if *m == nil {
		*m = map[K]uint64{}
	}
}
