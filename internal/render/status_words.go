package render

import (
	"fmt"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// pendingWord says why a revision isn't in force, and what to do.
type pendingWord struct{ what, do string }

func pendingWords(why status.PendingWhy) pendingWord {
	switch why {
	case status.PendingInvalid:
		return pendingWord{"the files have errors", "Correct them; netplan-overlay validate tells every error."}
	case status.PendingFailed:
		return pendingWord{"it was tried, and taken back", "Correct it; systemctl reload netplan-overlay tries it again as it is."}
	case status.PendingRefused:
		return pendingWord{"it is refused", "netplan-overlay plan shows it, and apply makes it, with the flag that allows it."}
	case status.PendingImpact:
		return pendingWord{"its impact is worse than what is approved", "netplan-overlay plan shows it; apply makes it, when it suits."}
	case status.PendingWaiting:
		return pendingWord{"it waits", "It is tried again by itself."}
	}
	return pendingWord{clean(string(why)), ""}
}

// heldWords says what to do about an object that is left alone.
func heldWords(why status.HeldWhy) string {
	switch why {
	case status.HeldFailing:
		return "it is tried again by itself, after longer and longer pauses; systemctl reload netplan-overlay does at once."
	case status.HeldContested:
		return "stop the other one, or take the object out of the topology; then systemctl reload netplan-overlay."
	case status.HeldImpact:
		return "putting it right does more harm than is approved; netplan-overlay apply does it, when it suits."
	case status.HeldPace:
		return "disruptive changes are made one after the other; its turn comes by itself."
	case status.HeldConflict:
		return "something foreign is in its place, or would go down with it; netplan-overlay plan shows the ways out."
	}
	return ""
}

// actionSymbol returns the symbol of an action by its name.
func (p *page) actionSymbol(name string) painted {
	for _, a := range []diff.Action{diff.Create, diff.Update, diff.Replace, diff.Delete, diff.Adopt} {
		if a.String() == name {
			return p.symbol(a)
		}
	}
	return p.paint("", name)
}

// since is "since 14:03:11 (2 h)".
func (t *statusText) since(at time.Time) string { return "since " + t.when(at) }

// when is "14:03:11 (2 h)".
func (t *statusText) when(at time.Time) string {
	if at.IsZero() {
		return "an unknown time"
	}
	return t.clock(at) + " (" + span(t.s.Now.Sub(at)) + ")"
}

// clock is the time of the day, with the date where it isn't today's.
func (t *statusText) clock(at time.Time) string {
	at = at.In(t.s.Now.Location())
	if at.Format(time.DateOnly) == t.s.Now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// span is a duration in its largest unit: "2 h".
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// took is a short duration, in no more digits than people read.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
