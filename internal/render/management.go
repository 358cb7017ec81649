package render

import (
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// touched writes what may cut the connection by which the host is managed.
func (t *planText) touched() {
	n := len(t.plan.Touched)
	if n == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Management: "+choose(n == 1, "1 change", count(n, "change"))+
		" may cut the connection by which this host is managed. apply does nothing without --allow-mgmt."))
	var rows []row
	for _, f := range folded(t.plan.Touched, func(x diff.Touch) string { return string(x.Action) + x.Object.Key().Kind.String() }) {
		x := f.item
		if f.hidden > 0 {
			rows = append(rows, row{name: others(f.hidden, x.Object.Key().Kind.String())})
			continue
		}
		note := ""
		if x.Cause != (model.Key{}) {
			note = "goes with " + x.Cause.String()
		}
		rows = append(rows, row{lead: t.symbol(x.Action), name: x.Object.Key().String(), text: x.Why, note: string(t.paint("", note))})
	}
	t.rows("  ", rows)
}
