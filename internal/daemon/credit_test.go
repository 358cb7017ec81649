package daemon

import (
	"testing"
	"time"
)

// Few looks never wait; many take a fifth of the time.
func TestCredit(t *testing.T) {
	var c credit
	now := time.Unix(1000, 0)
	for range 10 { // with long pauses
		if next := c.spend(300*time.Millisecond, now); !next.IsZero() {
			t.Fatalf("a look after a long pause waits for %v", next.Sub(now))
		}
		now = now.Add(time.Minute)
	}
	begin, spent := now, time.Duration(0)
	for now.Sub(begin) < time.Minute { // without any
		const look = 20 * time.Millisecond
		now, spent = now.Add(look), spent+look
		if next := c.spend(look, now); next.After(now) {
			now = next
		}
	}
	if most := creditMost + now.Sub(begin)/looksShare + time.Second; spent > most || spent < most-2*time.Second {
		t.Errorf("looks took %v of %v, want about %v", spent, now.Sub(begin), most)
	}
	if next := c.spend(time.Hour, now); next.Sub(now) > quietMost {
		t.Errorf("a long look keeps others waiting for %v", next.Sub(now))
	}
}
