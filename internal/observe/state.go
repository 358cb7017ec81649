package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Scope says what to look at: everything that carries a mark of the identity, and
// whatever stands where Wanted would have an object.
type Scope struct {
	Identity model.Identity
	Wanted   *model.State // nil: only what is marked
}

// State observes the host. Namespaces that are neither wanted nor the identity's
// own are listed, but not looked into.
func State(ctx context.Context, h Host, scope Scope) (*model.State, error) {
	o := &observer{host: h, scope: scope, frugal: true}
	if o.scope.Wanted == nil {
		o.scope.Wanted = &model.State{}
	}
	o.state = &model.State{}
	o.state.Over(o.scope.Wanted)
	for _, look := range []func(context.Context) error{o.netns, o.allLinks, o.allAddresses, o.leadingAndSysctls} {
		if err := look(ctx); err != nil {
			return nil, fmt.Errorf("observe: %w", err)
		}
	}
	return o.state, nil
}

type observer struct {
	host   Host
	scope  Scope
	frugal bool // of the host's own routes, those count that the scope is about, and so do neighbours and FDB entries while they change
	state  *model.State
	inside []string    // the namespaces to look into, "" first
	shaky  []model.Key // links of which neighbours or FDB entries may have been missed
}

func (o *observer) put(obj model.Object, owner model.Owner, maker string) {
	o.state.Put(model.Entry{Object: obj, Owner: owner, Maker: maker})
}

func (o *observer) wanted(k model.Key) bool {
	_, ok := o.scope.Wanted.Get(k)
	return ok
}

// netns lists the namespaces and decides which to look into.
func (o *observer) netns(ctx context.Context) error {
	o.inside = []string{""}
	all, err := o.host.Netns(ctx)
	if err != nil {
		return err
	}
	for _, n := range all {
		owner, maker := ownerByAlias(o.scope.Identity, n.Alias.Value())
		o.put(n, owner, maker)
		if owner == model.OwnerOurs || owner == model.OwnerForeign && o.wanted(n.Key()) {
			o.inside = append(o.inside, n.Name)
		}
	}
	return nil
}

func (o *observer) allLinks(ctx context.Context) error {
	links, err := o.host.Links(ctx, o.inside...)
	if err != nil {
		return err
	}
	o.state.ReserveFrame(len(links))
	for _, l := range links {
		owner, maker := ownerOfLink(o.scope.Identity, l)
		o.put(l, owner, maker)
	}
	return nil
}

// linkOwner returns the owner of a link that was found.
func (o *observer) linkOwner(netns, link string) model.Owner {
	e, _ := o.state.Get(model.LinkKey(netns, link))
	return e.Owner
}

func (o *observer) allAddresses(ctx context.Context) error {
	ask := func(ns string) ([]model.Address, error) { return o.host.Addresses(ctx, ns) }
	return everywhere(o.inside, ask, o.address)
}

// leading looks at what leads packets, most of all that there is: routes, neighbours and FDB
// entries are read at the same time, each into its own table of the state.
func (o *observer) leading(ctx context.Context) error {
	err := together(
		func() error { return o.allRoutes(ctx) },
		func() error { return o.overlayLinks(ctx) },
	)
	if err != nil {
		return err
	}
	return o.confirm(ctx)
}

// leadingAndSysctls looks at both at the same time: of sysctls, there are few, but each is a
// file, in some namespace.
func (o *observer) leadingAndSysctls(ctx context.Context) error {
	var found sysctlsFound
	err := together(
		func() error { return o.leading(ctx) },
		func() (err error) { found, err = o.readSysctls(ctx); return err },
	)
	found.put(o)
	return err
}

// together does both, and returns the first's error before the other's.
func together(a, b func() error) error {
	done := make(chan error, 1)
	go func() { done <- b() }()
	err := a()
	return cmp.Or(err, <-done)
}

// allRoutes lists the routes of the host's own namespace, which may be very many, and then
// those of the others.
func (o *observer) allRoutes(ctx context.Context) error {
	if err := o.rootRoutes(ctx); err != nil {
		return err
	}
	named := slices.DeleteFunc(slices.Clone(o.inside), func(ns string) bool { return ns == "" })
	return everywhere(named, func(ns string) (l []model.Route, err error) {
		err = o.host.EachRoute(ctx, ns, 0, func(r model.Route) { l = append(l, r) })
		return l, err
	}, o.route)
}

func (o *observer) address(a model.Address) {
	a = o.claimed(a)
	owner, maker := ownerOfAddress(a, o.linkOwner(a.Netns, a.Link))
	o.put(a, owner, maker)
}

// claimed returns an address as ours that is wanted, on a link of ours, and without
// the mark, where the kernel doesn't let it be marked any more: one that was adopted.
func (o *observer) claimed(a model.Address) model.Address {
	if o.host.Features().AddressProtocolChange || a.Protocol != model.Some[uint8](0) {
		return a
	}
	if o.linkOwner(a.Netns, a.Link).Mine() && o.wanted(a.Key()) {
		a.Protocol = model.Some(model.MarkProtocol)
	}
	return a
}

func (o *observer) rootRoutes(ctx context.Context) error {
	if o.frugal {
		return o.hostRoutes(ctx)
	}
	return o.host.EachRoute(ctx, "", 0, o.route)
}

func (o *observer) route(r model.Route) {
	owner, maker := ownerOfRoute(r)
	// A route may share its key with others of the kernel's (IPv6 keeps several
	// next hops of one destination apart): the one that is ours or foreign counts. Of
	// several of IPv4, that is the first one, which the kernel takes.
	e := model.Entry{Owner: owner, Maker: maker}
	old, ok := o.state.AddRoute(r, e)
	if !ok || owner == model.OwnerKernel || old.Owner.Mine() || old.Owner != model.OwnerKernel && r.Dst.Addr().Is4() {
		return
	}
	o.state.PutRoute(r, e)
}

// overlayLinks lists the neighbours and FDB entries of the links that have any of
// ours: the overlay devices.
func (o *observer) overlayLinks(ctx context.Context) error {
	var overlays []model.Entry
	for e := range o.state.Frame() {
		l, ok := e.Object.(model.Link)
		if ok && l.Netns == "" && (e.Owner.Mine() || o.wanted(l.Key())) && l.Type.Value() == model.TypeVXLAN {
			overlays = append(overlays, e)
		}
	}
	for _, e := range overlays {
		if err := o.overlayLink(ctx, e.Object.(model.Link), e); err != nil {
			return err
		}
	}
	return nil
}

func (o *observer) overlayLink(ctx context.Context, l model.Link, e model.Entry) error {
	if !o.frugal {
		return o.wholeOverlayLink(ctx, l, e)
	}
	var shaky, more bool
	err := together(func() (err error) {
		shaky, err = o.host.EachNeighbour(ctx, l.Netns, l.Name, func(n model.Neighbour) {
			o.state.PutNeighbour(n, model.Entry{Owner: ownerOfNeighbour(n)})
		})
		return err
	}, func() (err error) {
		more, err = o.host.EachFDB(ctx, l.Netns, l.Name, func(f model.FDBEntry) {
			o.state.PutFDB(f, model.Entry{Owner: e.Owner, Maker: e.Maker})
		})
		return err
	})
	if err != nil {
		return err
	}
	if shaky || more {
		o.shaky = append(o.shaky, l.Key())
	}
	return nil
}

// sysctls reads those that are wanted, and those that we have set before.
func (o *observer) sysctls(ctx context.Context) error {
	found, err := o.readSysctls(ctx)
	found.put(o)
	return err
}

// sysctlsFound are the sysctls that we have set before, and those that are wanted.
type sysctlsFound struct{ saved, wanted []model.Sysctl }

func (l sysctlsFound) put(o *observer) {
	for _, s := range l.saved {
		o.put(s, model.OwnerOurs, "")
	}
	for _, s := range l.wanted {
		o.put(s, ownerOfSysctl(s), "")
	}
}

func (o *observer) readSysctls(ctx context.Context) (found sysctlsFound, err error) {
	names := map[string][]string{}
	for e := range o.scope.Wanted.Frame() {
		if s, ok := e.Object.(model.Sysctl); ok {
			names[s.Netns] = append(names[s.Netns], s.Name)
		}
	}
	if found.saved, err = o.host.SavedSysctls(ctx); err != nil {
		return found, err
	}
	for _, ns := range o.inside {
		list, err := o.host.Sysctls(ctx, ns, names[ns])
		if err != nil {
			return found, err
		}
		found.wanted = append(found.wanted, list...)
	}
	return found, nil
}
