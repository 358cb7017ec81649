package model_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// packets is a pair's packets, one every 10 ms: "." was answered, "x" was not.
func packets(start time.Time, s string) model.Stream {
	var l model.Stream
	for i, c := range s {
		l.Sent = append(l.Sent, start.Add(time.Duration(i)*10*time.Millisecond))
		l.Answered = append(l.Answered, c == '.')
	}
	return l
}

// Lost packets belong to the part in which a pair fell silent.
func TestJudge(t *testing.T) {
	const none, brief, disruptive = model.ImpactNone, model.ImpactBrief, model.ImpactDisruptive
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		pairs    []string // parts begin with the packets 5 and 15
		measured []model.Impact
		lost     []int
		before   int
		longest  time.Duration
	}{
		{"nothing lost", []string{".........................", "........................."}, []model.Impact{none, none}, []int{0, 0}, 0, 0},
		{"a packet, in the first part", []string{".......x................."}, []model.Impact{brief, none}, []int{1, 0}, 0, 10 * time.Millisecond},
		{"silent until the next part", []string{".......xxxxxxxxxx........"}, []model.Impact{disruptive, none}, []int{10, 0}, 0, 100 * time.Millisecond},
		{"silent to the end", []string{"................xxxxxxxxx"}, []model.Impact{none, disruptive}, []int{0, 9}, 0, 90 * time.Millisecond},
		{"one pair silent, the other not", []string{".......x.................", "................xx......."}, []model.Impact{brief, brief}, []int{1, 2}, 0, 20 * time.Millisecond},
		{"two rows", []string{".......x..x....xx........"}, []model.Impact{brief, brief}, []int{2, 2}, 0, 20 * time.Millisecond},
		{"before anything was done", []string{".xx.....................x"}, []model.Impact{none, disruptive}, []int{0, 1}, 2, 20 * time.Millisecond},
	} {
		tr := &model.Trial{Every: 10 * time.Millisecond, Parts: []model.Part{
			{Node: "a", Begin: start.Add(45 * time.Millisecond)}, {Node: "b", Begin: start.Add(145 * time.Millisecond)},
		}}
		for _, p := range c.pairs {
			tr.Pairs = append(tr.Pairs, packets(start, p))
		}
		before := tr.Judge()
		var measured []model.Impact
		var lost []int
		longest := time.Duration(0)
		for _, p := range tr.Parts {
			measured, lost = append(measured, p.Measured), append(lost, p.Lost)
		}
		for _, s := range tr.Pairs {
			longest = max(longest, s.Longest)
		}
		if d := cmp.Diff(c.measured, measured) + cmp.Diff(c.lost, lost); d != "" || before != c.before || longest != c.longest {
			t.Errorf("%s: %d before, want %d; silent for %v, want %v (-want +got):\n%s", c.name, before, c.before, longest, c.longest, d)
		}
	}
}
