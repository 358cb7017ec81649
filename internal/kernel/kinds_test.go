package kernel

import (
	"errors"
	"maps"
	"syscall"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sample is an object of a kind, and what the kernel must make of it.
type sample struct {
	name     string
	linkType string         // that the kernel may lack
	commands string         // of ip, one a line, that prepare the host
	made     []model.Object // what is made before it
	object   model.Object
	shown    display
	again    syscall.Errno  // what making it twice is refused with; 0: it is done, and nothing changes
	changes  []model.Object // each specifies one change
}

// samples has some of every kind.
func samples() map[model.Kind][]sample {
	return map[model.Kind][]sample{
		model.KindNetns:     netnsSamples(),
		model.KindSysctl:    sysctlSamples(),
		model.KindLink:      append(append(bridgeSamples(), vethSamples()...), tunnelSamples()...),
		model.KindAddress:   addressSamples(),
		model.KindFDB:       fdbSamples(),
		model.KindNeighbour: neighbourSamples(),
		model.KindRoute:     append(routeSamples4(), routeSamples6()...),
	}
}

// TestKinds is what every kind has to pass: an object that is made is listed
// just as it was wanted; making it again harms nothing; each of its attributes can
// be changed, and back; what is deleted is gone, and all else is as it was before.
func TestKinds(t *testing.T) {
	all := samples()
	for _, k := range model.Kinds() {
		if len(all[k]) == 0 {
			t.Errorf("kind %s has no sample", k)
		}
		for _, x := range all[k] {
			t.Run(k.String()+"/"+x.name, func(t *testing.T) { conform(newSim(t), x) })
		}
	}
}

func conform(s *sim, x sample) {
	if x.linkType != "" {
		s.needType(x.linkType)
	}
	s.lines(x.commands)
	s.create(x.made...)
	key := x.object.Key()
	was, existed := s.get(key)
	before := s.snapshot()

	s.create(x.object)
	born := s.mustGet(key)
	s.has("after create", x.object, born)
	s.check(x.shown)
	s.again(x)
	for _, c := range x.changes {
		s.change(c)
	}

	s.remove(born)
	o, ok := s.get(key)
	if key.Kind == model.KindSysctl && (!existed || !ok || told(o) != told(was)) {
		s.Errorf("after delete there is %v, want %v", o, was)
	}
	if key.Kind != model.KindSysctl && ok {
		s.Errorf("after delete there still is %v", o)
	}
	s.unchanged("create and delete", withoutOther(before, x.object))
	s.remove(born)
	s.unchanged("a second delete", withoutOther(before, x.object))
}

// again makes an object that is there already.
func (s *sim) again(x sample) {
	s.Helper()
	before := s.snapshot()
	err := s.do(model.OpCreate, nil, x.object)
	if x.again == 0 && err != nil {
		s.Errorf("a second create: %v", err)
	}
	if x.again != 0 {
		op := s.opErrorOf(err)
		if !errors.Is(err, x.again) || op.Key != x.object.Key() || op.Op != "create" {
			s.Errorf("a second create: got error %v, want %v of %s", err, x.again, x.object.Key())
		}
	}
	s.unchanged("a second create", before)
}

// change changes one attribute, and changes it back.
func (s *sim) change(want model.Object) {
	s.Helper()
	if a, ok := want.(model.Address); ok && a.Prefix.Addr().Is4() && !s.Features().AddressProtocolChange {
		return
	}
	before, all := s.mustGet(want.Key()), s.snapshot()
	after := want.Fill(before)
	changes, _, _ := model.DiffAttrs(after, before)
	if len(changes) == 0 {
		s.Fatalf("%s: %s changes nothing", want.Key(), told(want))
	}
	for _, c := range changes {
		if c.Fixed {
			s.Errorf("%s: %s is fixed", want.Key(), c.Name)
		}
	}
	for _, step := range [][2]model.Object{{before, after}, {after, before}} {
		if err := s.do(model.OpUpdate, step[0], step[1]); err != nil {
			s.Errorf("%s to %s: %v", told(step[0]), told(step[1]), err)
		}
		if got := s.mustGet(want.Key()); told(got) != told(step[1]) {
			s.Errorf("after the change to %s: got %s, want %s", told(want), told(got), told(step[1]))
		}
	}
	s.unchanged("a change and its opposite", all)
}

// withoutOther leaves the other end of a deleted veth out of a snapshot.
func withoutOther(all map[string]string, o model.Object) map[string]string {
	l, ok := o.(model.Link)
	if !ok || !l.Peer.IsSet() {
		return all
	}
	rest := maps.Clone(all)
	delete(rest, l.Key().String())
	delete(rest, model.LinkKey(l.Peer.Value().Netns, l.Peer.Value().Name).String())
	return rest
}

// Every kind can be changed.
func TestDoors(t *testing.T) {
	for _, k := range model.Kinds() {
		if (&Host{}).door(k) == nil {
			t.Errorf("kind %s has no door", k)
		}
	}
	if d := (&Host{}).door(99); d != nil {
		t.Errorf("an unknown kind has the door %T", d)
	}
}
