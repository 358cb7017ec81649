package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// scene is a host that is right, and how that looks.
type scene struct {
	*host
	backend string
	peers   int
	plans   *reconcile.Reconciler
	right   *model.State
	lists   map[model.Kind][]model.Key // of the overlay's objects in right
	ear     *watch.Kernel
	missing map[model.Key]bool // what has not been told to be back
}

// newScene looks at a host that is right. Close it before the host.
func newScene(h *host, backend string, peers int) (*scene, error) {
	s := &scene{host: h, backend: backend, peers: peers, lists: map[model.Kind][]model.Key{}, missing: map[model.Key]bool{}}
	sources, err := spec.ReadFiles([]string{h.file}, nil)
	if err != nil {
		return nil, err
	}
	t, problems := spec.Parse(sources)
	if t == nil {
		return nil, fmt.Errorf("the topology: %v", problems)
	}
	ctx := context.Background()
	s.plans, err = reconcile.New(ctx, t, node, reconcile.Place{Root: h.root(), NetnsDir: h.netnsDir(), RunDir: h.runDir()})
	if err != nil {
		return nil, err
	}
	res, err := s.plans.Plan(ctx, diff.Options{})
	if err != nil {
		return nil, err
	}
	if !res.Plan.Empty() {
		return nil, fmt.Errorf("the host is not right at the start: %d steps", len(res.Plan.Steps))
	}
	s.right = res.Observed
	for _, k := range s.right.Keys() {
		if e, _ := s.right.Get(k); overlays(e) {
			s.lists[k.Kind] = append(s.lists[k.Kind], k)
		}
	}
	if s.ear, err = watch.NewKernel(h.door, h.netnsDir()); err != nil {
		return nil, err
	}
	return s, s.follow()
}

// overlays says whether an object is one of the overlay's: on its device, or a route to
// a peer.
func overlays(e model.Entry) bool {
	switch o := e.Object.(type) {
	case model.Address:
		return o.Link == vxlan().Name && e.Owner.Mine()
	case model.Route:
		return o.Netns == "" && e.Owner.Mine()
	case model.Neighbour, model.FDBEntry:
		return e.Owner.Mine()
	}
	return false
}

// Close gives the handles back.
func (s *scene) Close() error {
	_ = s.plans.Close()
	return s.ear.Close()
}

func (s *scene) follow() error {
	_, err := s.ear.Follow([]string{"", inner})
	return err
}

func (s *scene) entry(k model.Key) model.Object {
	e, _ := s.right.Get(k)
	return e.Object
}

// route, neighbour and fdb are those of a peer.
func (s *scene) route(n int) model.Key     { return s.nth(model.KindRoute, n) }
func (s *scene) neighbour(n int) model.Key { return s.nth(model.KindNeighbour, n) }
func (s *scene) fdb(n int) model.Key       { return s.nth(model.KindFDB, n) }

func (s *scene) nth(k model.Kind, n int) model.Key {
	l := s.lists[k]
	return l[(n*7919+13)%len(l)]
}

// is says whether an object is as it was, or is away if it was.
func (s *scene) is(ctx context.Context, k model.Key) bool {
	now, err := s.look(ctx, k)
	was := s.entry(k)
	if err != nil || now == nil || was == nil {
		return (err == nil || kernel.Absent(err)) && now == nil && was == nil
	}
	return now == was
}

// look reads an object from the kernel.
func (s *scene) look(ctx context.Context, k model.Key) (model.Object, error) {
	switch k.Kind {
	case model.KindLink:
		l, err := s.door.Links(ctx, k.Netns)
		return s.alike(find(l, k)), err
	case model.KindAddress:
		l, err := s.door.Addresses(ctx, k.Netns)
		return find(l, k), err
	case model.KindSysctl:
		l, err := s.door.Sysctls(ctx, k.Netns, []string{k.Name})
		if len(l) > 0 {
			l[0].Saved = s.entry(k).(model.Sysctl).Saved
		}
		return find(l, k), err
	case model.KindNetns:
		s.door.Forget(k.Name) // another one may have the name by now
		l, err := s.door.Netns(ctx)
		return find(l, k), err
	}
	return s.door.Look(ctx, k)
}

func find[T model.Object](l []T, k model.Key) model.Object {
	if i := slices.IndexFunc(l, func(o T) bool { return o.Key() == k }); i >= 0 {
		return l[i]
	}
	return nil
}

// alike lets a veth have the MAC that it had: the kernel makes one up.
func (s *scene) alike(o model.Object) model.Object {
	l, ok := o.(model.Link)
	if !ok || l.Type.Value() != model.TypeVeth {
		return o
	}
	if was, ok := s.entry(l.Key()).(model.Link); ok {
		l.MAC = was.MAC
	}
	return l
}

// sample breaks the host, and returns how long after that it is right again.
func (s *scene) sample(ctx context.Context, f fault, n int, most time.Duration) (time.Duration, error) {
	s.ear.Take()
	s.expect(f)
	watched := s.watched(f, n)
	if err := f.breakIt(ctx, s, n); err != nil {
		return 0, fmt.Errorf("%s: break the host: %w", f.name, err)
	}
	began := time.Now()
	poll := time.NewTicker(500 * time.Microsecond)
	defer poll.Stop()
	for time.Since(began) < most {
		s.hear()
		if len(s.missing) == 0 && s.are(ctx, watched) {
			return time.Since(began), nil
		}
		select {
		case <-s.ear.Wake():
		case e := <-s.ear.Netns():
			s.ear.Dir(e)
		case <-poll.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, fmt.Errorf("%s: not right again after %v: %s", f.name, most, s.wrong(ctx, watched))
}

// expect notes what will go, and must come back.
func (s *scene) expect(f fault) {
	clear(s.missing)
	for _, kind := range f.gone {
		for _, k := range s.lists[kind] {
			s.missing[k] = true
		}
	}
	if len(s.missing) == 1 { // there is no need to wait for what is told
		clear(s.missing)
	}
}

// hear notes what is told to have come back.
func (s *scene) hear() {
	for _, n := range s.ear.Take() {
		switch {
		case n.Kind == kernel.Changed:
			delete(s.missing, n.Key)
		case n.Kind == kernel.Gone && overlayKey(n.Key):
			if _, had := s.right.Get(n.Key); had {
				s.missing[n.Key] = true
			}
		}
	}
}

func overlayKey(k model.Key) bool {
	return k.Netns == "" && (k.Kind == model.KindRoute || k.Kind == model.KindNeighbour || k.Kind == model.KindFDB)
}

// watched are the objects that are looked at until they are right.
func (s *scene) watched(f fault, n int) []model.Key {
	var l []model.Key
	if f.also != nil {
		l = f.also(s, n)
	}
	if f.steps != nil {
		for _, step := range f.steps(s, n) {
			if k := step.Key(); !slices.Contains(l, k) && len(l) < 5 {
				l = append(l, k)
			}
		}
	}
	return l
}

func (s *scene) are(ctx context.Context, l []model.Key) bool {
	return !slices.ContainsFunc(l, func(k model.Key) bool { return !s.is(ctx, k) })
}

// wrong tells what is not as it was.
func (s *scene) wrong(ctx context.Context, l []model.Key) string {
	for _, k := range l {
		if now, err := s.look(ctx, k); !s.is(ctx, k) {
			return fmt.Sprintf("%s is %v (%v), and was %v", k, now, err, s.entry(k))
		}
	}
	return fmt.Sprintf("%d objects were not told to be back", len(s.missing))
}

// converged returns once a plan of everything is empty.
func (s *scene) converged(ctx context.Context) error {
	var res *reconcile.Result
	var err error
	for range 100 {
		if res, err = s.plans.Plan(ctx, diff.Options{}); err == nil && res.Plan.Empty() {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("the host is not right: %d steps, the first one: %s", len(res.Plan.Steps), res.Plan.Steps[0].Key())
}
