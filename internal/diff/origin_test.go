package diff_test

import (
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestOriginate(t *testing.T) {
	link := func(mtu uint32, up bool) model.Link {
		return model.Link{Name: "br0", MTU: model.Some(mtu), Up: model.Some(up)}
	}
	state := func(objects ...model.Object) *model.State {
		s := &model.State{}
		for _, o := range objects {
			s.Put(model.Entry{Object: o})
		}
		return s
	}
	address := model.Address{Link: "br0", Prefix: netip.MustParsePrefix("10.0.0.1/24")}
	update := func(attrs ...string) diff.Change {
		c := diff.Change{Action: diff.Update, Before: link(1, false), After: link(1400, true)}
		for _, a := range attrs {
			c.Attrs = append(c.Attrs, model.AttrChange{Name: a})
		}
		return c
	}
	forced := link(0, true).Key()
	for _, c := range []struct {
		name      string
		change    diff.Change
		now, last *model.State
		want      diff.Origin
	}{
		{"new in the file", diff.Change{Action: diff.Create, After: link(1400, true)}, state(link(1400, true)), state(), diff.OriginSpec},
		{"deleted by hand", diff.Change{Action: diff.Create, After: link(1400, true)}, state(link(1400, true)), state(link(1400, true)), diff.OriginDrift},
		{"deleted by hand, and changed in the file", diff.Change{Action: diff.Create, After: link(1400, true)}, state(link(1400, true)), state(link(1500, true)), diff.OriginSpec},
		{"changed by hand", update("mtu"), state(link(1400, true)), state(link(1400, true)), diff.OriginDrift},
		{"changed in the file", update("mtu"), state(link(1400, true)), state(link(1500, true)), diff.OriginSpec},
		{"one attribute by hand, another in the file", update("mtu", "up"), state(link(1400, true)), state(link(1500, true)), diff.OriginSpec},
		{"by hand, beside a change in the file that is made already", update("up"), state(link(1400, true)), state(link(1500, true)), diff.OriginDrift},
		{"left out of the file", diff.Change{Action: diff.Delete, Before: link(1400, true)}, state(), state(link(1400, true)), diff.OriginSpec},
		{"never in the file", diff.Change{Action: diff.Delete, Before: link(1400, true)}, state(), state(), diff.OriginOrphan},
		{"forced", diff.Change{Action: diff.Create, After: address, Cause: &forced}, state(address), state(address), diff.OriginCascade},
		{"made, nothing known", diff.Change{Action: diff.Create, After: address}, state(address), nil, diff.OriginSpec},
		{"removed, nothing known", diff.Change{Action: diff.Delete, Before: address}, state(), nil, diff.OriginUnknown},
	} {
		p := &diff.Plan{Changes: []diff.Change{c.change}}
		diff.Originate(p, c.now, c.last)
		if got := p.Changes[0].Origin; got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
