package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// makes plans an object that isn't there and leads packets to a peer, and returns true, if
// nothing that was observed has to do with it: on a host that is to get very many, that costs one look-up
// each, where reach would take a dozen to find out the same.
func (p *planner) makes(e model.Entry) bool {
	if p.opts.each || e.Ref || p.leaving || stage(e.Object) < lastStage {
		return false
	}
	key := e.Object.Key()
	if _, takes := p.undercutting[key]; takes || p.blocked[key] || p.sim.gone.Len() > 0 && p.sim.observed.Has(key) || p.hasOther(key) {
		return false
	}
	p.plan.Changes = append(p.plan.Changes, Change{Action: Create, After: e.Object, Source: e.Source, Intent: e.Intent})
	p.plan.Steps = append(p.plan.Steps, model.Step{Op: model.OpCreate, After: e.Object})
	p.sim.putLater(e.Object)
	return true
}

// hasOther says whether a route was observed to the same destination that a route with the
// key may take the place of.
func (p *planner) hasOther(k model.Key) bool {
	if !k.Spreadable() {
		return false
	}
	if k.Metric == 0 {
		return p.sim.observed.Has(k.Spread())
	}
	return p.sim.observed.Has(k.Plain())
}
