package probe

import (
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Results are told by a letter each: a for an answer, l for a loss. So are the states
// after them: ? for unknown, u for up, d for down.
func TestResult(t *testing.T) {
	letters := map[status.Reach]byte{status.Unknown: '?', status.Up: 'u', status.Down: 'd'}
	for _, c := range []struct {
		name     string
		down, up int
		results  string
		want     string
		loss     float64
	}{
		{"up at once", 3, 1, "a", "u", 0},
		{"down after three", 3, 1, "llll", "??dd", 1},
		{"rows only", 3, 1, "allalla", "uuuuuuu", 4. / 7},
		{"down and up again", 3, 2, "aalllalaa", "?uuudddd" + "u", 4. / 9},
		{"an answer ends the losses of the unknown", 3, 2, "llallaa", "??????u", 4. / 7},
		{"a loss ends the answers of the unknown", 3, 2, "alala", "?????", 2. / 5},
		{"the loss is of the last 20", 3, 1, "llll" + "aaaaaaaaaaaaaaaaaaal", "??dd" + "uuuuuuuuuuuuuuuuuuuu", 1. / 20},
	} {
		p := &peer{state: status.Unknown}
		var got []byte
		now := time.Now()
		for i, r := range c.results {
			now = now.Add(time.Second)
			was := p.state
			if changed := p.result(r == 'a', c.down, c.up, now); changed != (p.state != was) || changed && !p.since.Equal(now) {
				t.Errorf("%s: result %d: changed %v, since %v", c.name, i, changed, p.since)
			}
			got = append(got, letters[p.state])
		}
		if string(got) != c.want || p.loss() != c.loss || p.probes != uint64(len(c.results)) {
			t.Errorf("%s: %s: got %s, want %s; loss %v of %d, want %v", c.name, c.results, got, c.want, p.loss(), p.probes, c.loss)
		}
	}
}
