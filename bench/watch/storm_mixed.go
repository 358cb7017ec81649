package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

const (
	foreignLink = "foreign"             // a vxlan device that is none of ours
	mixedTick   = 25 * time.Millisecond // others change something that often
	breakEvery  = 20                    // ticks between two times that something of ours is broken
	mixedRoute  = 4                     // RTPROT_STATIC (linux/rtnetlink.h)
)

// mixed is a storm of all kinds of changes, at an even rate.
type mixed struct {
	*storm
	rate   int                // changes a second
	next   int                // number of the next foreign object
	alive  []model.Step       // that made what is there of others
	broken map[string]int     // objects of ours, by how often they were broken
	wrong  map[model.Key]bool // objects of others that watch has changed, as the kernel tells
}

// blowMixed lets others change FDB entries, neighbours and routes for a while, and fails
// where watch repairs anything but what was broken, or leaves anything broken.
func (s *storm) blowMixed(ctx context.Context, rate int, period time.Duration) error {
	if err := s.foreignDevice(); err != nil {
		return err
	}
	m := &mixed{storm: s, rate: rate, broken: map[string]int{}, wrong: map[model.Key]bool{}}
	before, err := os.Stat(s.p.log)
	if err != nil {
		return err
	}
	s.ear.Take()
	name := fmt.Sprintf("FDB entries, neighbours and routes, %d changes a second for %v", rate, period)
	if err := s.blow(ctx, name, func(func() error) error { return m.change(ctx, period) }); err != nil {
		return err
	}
	return m.check(ctx, before.Size())
}

// foreignDevice makes the device that others use.
func (s *storm) foreignDevice() error {
	for _, c := range []string{
		"link add " + foreignLink + " type vxlan id 99 dstport 4790 local 10.128.0.1", "link set " + foreignLink + " up",
	} {
		if b, err := s.command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", c, err, b)
		}
	}
	return nil
}

// change makes the changes: what is made in one tick is removed in the next.
func (m *mixed) change(ctx context.Context, period time.Duration) error {
	ticks := int(period / mixedTick)
	each := m.rate * int(mixedTick) / int(time.Second) / 2
	tick := time.NewTicker(mixedTick)
	defer tick.Stop()
	began := time.Now()
	for n := range ticks {
		steps := make([]model.Step, 0, 2*each)
		for _, s := range m.alive {
			steps = append(steps, model.Step{Op: model.OpDelete, Before: s.After})
		}
		m.alive = nil
		for range each {
			m.alive = append(m.alive, model.Step{Op: model.OpCreate, After: m.foreignObject()})
		}
		if err := errors.Join(m.door.Do(ctx, append(steps, m.alive...))...); err != nil {
			return fmt.Errorf("change what is foreign: %w", err)
		}
		if n%breakEvery == breakEvery/2 && n+breakEvery < ticks {
			if err := m.breakOurs(ctx, n/breakEvery); err != nil {
				return err
			}
		}
		m.hear()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Printf("  %d foreign changes in %v, %d objects of ours were broken\n", (2*ticks-1)*each, time.Since(began).Round(time.Millisecond), len(m.broken))
	return nil
}

// foreignObject makes up an object of others: an FDB entry of their device, a neighbour on
// it or on ours, a route to where nobody is or to a part of a peer's subnet.
func (m *mixed) foreignObject() model.Object {
	n := m.next
	m.next++
	hi, lo := byte(n>>8), byte(n)
	switch n % 3 {
	case 0:
		return model.FDBEntry{Link: foreignLink, MAC: model.MAC{2, 1, 0, byte(n >> 16), hi, lo}, Dst: model.Some(netip.AddrFrom4([4]byte{10, 129, hi, lo}))}
	case 1:
		link := []string{foreignLink, vxlan().Name, "eth0"}[n/3%3]
		return model.Neighbour{Link: link, IP: netip.AddrFrom4([4]byte{10, 200, hi, lo}), MAC: model.Some(model.MAC{2, 1, 0, 0, hi, lo})}
	}
	r := model.Route{
		Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{60, hi, lo, 0}), 24), Table: model.TableMain, Type: model.Some("unicast"),
		Dev: model.Some(foreignLink), Protocol: model.Some[uint8](mixedRoute),
	}
	if n%2 == 0 {
		r.Dst = netip.PrefixFrom(m.route(n).Prefix.Addr(), 28)
	}
	return r
}

// breakOurs deletes objects of a few peers and changes others, and a link at first.
func (m *mixed) breakOurs(ctx context.Context, n int) error {
	var steps []model.Step
	for i := range 3 {
		at := 1000 + 3*n + i // other peers than the drifts of the other storms
		for _, k := range []model.Key{m.route(at), m.neighbour(at), m.fdb(at)} {
			steps = append(steps, model.Step{Op: model.OpDelete, Before: m.entry(k)})
		}
	}
	if n == 0 {
		steps = append(steps, changed(bridge(), mtu)(m.scene, 0)...)
	}
	for _, s := range steps {
		m.broken[s.Key().String()]++
	}
	return errors.Join(m.door.Do(ctx, steps)...)
}

// hear notes what the kernel tells of what watch has done.
func (m *mixed) hear() {
	for _, n := range m.ear.Take() {
		if n.Port == uint32(m.p.Process.Pid) && m.broken[n.Key.String()] == 0 {
			m.wrong[n.Key] = true
		}
	}
}

// check finds out whether watch has put right what was broken, and nothing else: by what
// it says of itself, by what the kernel says of it, and by what is there of others.
func (m *mixed) check(ctx context.Context, from int64) error {
	m.hear()
	for k := range m.wrong {
		return fmt.Errorf("watch has changed %s, which was not broken", k)
	}
	repaired, err := repairs(m.p.log, from)
	if err != nil {
		return err
	}
	for object, n := range repaired {
		if n > m.broken[object] {
			return fmt.Errorf("watch says that it has put %s right %d times, which was broken %d times", object, n, m.broken[object])
		}
	}
	for object := range m.broken {
		if repaired[object] == 0 {
			return fmt.Errorf("watch doesn't say that it has put %s right", object)
		}
	}
	for _, s := range m.alive {
		k := s.Key()
		if there, err := m.door.Look(ctx, k); there == nil || err != nil {
			return fmt.Errorf("%s, which is not ours, is gone (%v)", k, err)
		}
	}
	fmt.Printf("    all %d objects that were broken, and no others, were put right; what is of others is there\n", len(repaired))
	return nil
}

// repairs reads from watch's log which objects it has changed, and how often.
func repairs(path string, from int64) (map[string]int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l := map[string]int{}
	for line := range strings.Lines(string(b[min(from, int64(len(b))):])) {
		var said struct{ Action, Object string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			return nil, fmt.Errorf("the log of watch: %w: %s", err, line)
		}
		if said.Action != "" {
			l[said.Object]++
		}
	}
	return l, nil
}
