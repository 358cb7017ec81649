package render_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// tried is a change of two nodes under traffic: of each pair, the packets of a string,
// one every 10 ms, of which "x" are lost. The nodes are changed before packets 5 and 15.
func tried(announced model.Impact, pairs ...string) *model.Trial {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	after := func(packets int) time.Time {
		return start.Add(time.Duration(packets)*10*time.Millisecond - time.Millisecond)
	}
	t := &model.Trial{Every: 10 * time.Millisecond, Left: 1, Parts: []model.Part{
		{Node: "vm1", Announced: announced, Changes: 4, Begin: after(5)},
		{Node: "vm2", Phase: "commit", Announced: announced, Changes: 2, Begin: after(15)},
		{Node: "vm3", Removed: true, Begin: after(30)},
	}}
	for i, p := range pairs {
		s := model.Stream{From: model.Place{Node: "vm1", Netns: "a"}, To: model.Place{Node: "vm2", Netns: string(rune('b' + i))}, Dst: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}
		for j, c := range p {
			s.Sent, s.Answered = append(s.Sent, after(j).Add(time.Millisecond)), append(s.Answered, c == '.')
		}
		t.Pairs = append(t.Pairs, s)
		t.After = append(t.After, model.Pair{From: s.From, To: s.To, Dst: s.Dst, OK: true})
	}
	t.After = append(t.After, model.Pair{From: model.Place{Node: "vm2", Netns: "n"}, To: model.Place{Node: "vm1", Netns: "a"}, Dst: netip.AddrFrom4([4]byte{10, 9, 9, 9}), OK: true})
	t.Judge()
	return t
}

func TestTrial(t *testing.T) {
	quiet := "...................."
	unreachable := tried(model.ImpactNone, quiet)
	unreachable.After[1].OK, unreachable.After[1].Err = false, "no answer"
	busy := tried(model.ImpactNone, quiet, "................x...")
	busy.Dropped = 1234
	others := tried(model.ImpactNone, quiet)
	others.Dropped = 1234
	elsewhere := tried(model.ImpactNone, quiet, "................x...")
	elsewhere.Parts[0].Announced = model.ImpactBrief
	for _, c := range []struct {
		name  string
		trial *model.Trial
		most  model.Opt[model.Impact]
		fails bool
	}{
		{"as-announced", tried(model.ImpactNone, quiet, quiet), model.Some(model.ImpactNone), false},
		{"better", tried(model.ImpactDisruptive, quiet, "......xxx..........."), model.Opt[model.Impact]{}, false},
		{"worse", tried(model.ImpactBrief, quiet, "......xxx...........", ".......xxxxxxxxxxxx."), model.Opt[model.Impact]{}, true},
		{"too-bad", tried(model.ImpactBrief, quiet, "......xxx..........."), model.Some(model.ImpactNone), true},
		{"unreachable", unreachable, model.Opt[model.Impact]{}, true},
		{"worse-elsewhere", elsewhere, model.Opt[model.Impact]{}, true},
		{"busy", busy, model.Opt[model.Impact]{}, true},
		{"busy-with-others", others, model.Opt[model.Impact]{}, false},
	} {
		var text, document bytes.Buffer
		if err := render.Trial(&text, c.trial, c.most, render.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := render.TrialJSON(&document, "classic", c.trial, c.most); err != nil {
			t.Fatal(err)
		}
		golden(t, "trial-"+c.name+".txt", text.String())
		golden(t, "trial-"+c.name+".json", document.String())
		if got := c.trial.Fails(c.most); got != c.fails {
			t.Errorf("%s: fails: %v", c.name, got)
		}
	}
}
