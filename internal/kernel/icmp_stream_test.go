package kernel

import "testing"

// An answer is to the last request that was sent with its sequence number, which has 16
// bits.
func TestNumbered(t *testing.T) {
	for _, c := range []struct {
		n    int
		seq  uint16
		want int
	}{
		{0, 0, -1}, {1, 0, 0}, {1, 1, -1}, {65536, 65535, 65535}, {65537, 0, 65536}, {65537, 65535, 65535}, {65537, 1, 1}, {200_000, 5, 196_613}, {200_000, 65_000, 196_072},
	} {
		if got := numbered(c.n, c.seq); got != c.want && !(got < 0 && c.want < 0) {
			t.Errorf("of %d requests, number %d: got %d, want %d", c.n, c.seq, got, c.want)
		}
	}
}
