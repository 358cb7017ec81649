package model_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// otherwise are routes that differ from one in a single thing each.
func otherwise(r model.Route) []model.Route {
	l := make([]model.Route, 12)
	for i := range l {
		l[i] = r
	}
	l[0].Netns = "red"
	l[1].Dst = netip.PrefixFrom(r.Dst.Addr(), r.Dst.Bits()+1)
	l[2].Table++
	l[3].Metric++
	l[4].Type = model.Some("blackhole")
	l[5].Via = model.Some(netip.AddrFrom4([4]byte{192, 0, 2, 77}))
	l[6].Dev = model.Some("eth9")
	l[7].OnLink = model.Some(!r.OnLink.Value())
	l[8].Scope = model.Some(r.Scope.Value() + 1)
	l[9].Src = model.Some(netip.AddrFrom4([4]byte{192, 0, 2, 78}))
	l[10].NextHops = model.Some("nhid 7")
	l[11].Protocol = model.Some(r.Protocol.Value() + 1)
	return l
}

// inOrder are routes as they are wanted; some leave open what nobody asks for.
func inOrder(r *rand.Rand, n int) []model.Route {
	var l []model.Route
	for i := range n {
		x := model.Route{
			Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24), Table: model.TableMain, Metric: uint32(i % 3),
			Type: model.Some("unicast"), Via: model.Some(netip.AddrFrom4([4]byte{192, 0, 2, 1})), Dev: model.Some("vx0"),
			OnLink: model.Some(true), Scope: model.Some[uint8](0), Protocol: model.Some(model.MarkProtocol),
		}
		if r.IntN(3) == 0 {
			x.Src, x.NextHops = model.Some(netip.AddrFrom4([4]byte{10, 0, 0, 1})), model.Some("")
		}
		l = append(l, x)
	}
	return l
}

// Routes that are put in in the order in which they are wanted, with some missing, some that
// are another one's, some twice and some that differ in any one thing, are what a state has
// that knows no order.
func TestOverInOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		wanted := inOrder(r, 20)
		desired, observed, got := &model.State{}, &model.State{}, plain{}
		for _, x := range wanted {
			desired.Put(model.Entry{Object: x, Source: "topology.yaml:1", Free: r.IntN(5) == 0})
		}
		if r.IntN(4) == 0 {
			desired.Remove(wanted[r.IntN(20)].Key())
		}
		observed.Over(desired)
		add := func(x model.Route, e model.Entry) {
			there, ok := observed.AddRoute(x, e)
			e.Object = x
			was, is := got[x.Key()]
			if ok != is || ok && there != was {
				t.Fatalf("seed %d: adding %v says %v, %v, want %v, %v", seed, x, there, ok, was, is)
			}
			if !is {
				got[x.Key()] = e
			}
		}
		for i, x := range wanted {
			told := kernelTells(x).(model.Route)
			ours := model.Entry{Owner: model.OwnerOurs}
			switch others := otherwise(told); r.IntN(14) {
			case 0: // missing
				continue
			case 1:
				add(told, model.Entry{Owner: model.OwnerForeign, Maker: "bird"})
			case 2:
				add(others[r.IntN(len(others))], ours)
			case 3:
				add(told, ours)
				remove(r, observed, got)
			case 4:
				add(kernelTells(wanted[r.IntN(i+1)]).(model.Route), ours)
			case 5:
				observed = observed.Clone()
			case 6:
				put(observed, got, model.Entry{Object: others[r.IntN(len(others))], Owner: model.OwnerOurs})
			case 7:
				add(told, model.Entry{Owner: model.OwnerOurs, Maker: "somebody"})
			case 8: // before its turn
				add(kernelTells(wanted[min(i+1, len(wanted)-1)]).(model.Route), ours)
			case 9:
				add(kernelTells(wanted[min(i+1, len(wanted)-1)]).(model.Route), model.Entry{Owner: model.OwnerForeign})
			}
			add(told, ours)
		}
		if d := cmp.Diff(lines(got), toldOf(observed)); d != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, d)
		}
	}
}

// Of routes that are not quite as they are wanted, a state keeps what was put in.
func TestOverEachAttribute(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	for _, x := range inOrder(r, 8) {
		for i, told := range append(otherwise(kernelTells(x).(model.Route)), kernelTells(x).(model.Route), x) {
			desired, observed := &model.State{}, &model.State{}
			desired.Put(model.Entry{Object: x})
			observed.Over(desired)
			observed.AddRoute(told, model.Entry{Owner: model.OwnerOurs})
			if e, ok := observed.Get(told.Key()); !ok || e.Object != model.Object(told) || observed.Len() != 1 {
				t.Errorf("%d: put in was\n%v, and there is\n%v", i, told, e.Object)
			}
		}
	}
}
