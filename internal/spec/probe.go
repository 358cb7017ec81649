package spec

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Probe says how a watching host finds out whether its peers answer. It makes nothing in
// the kernel.
type Probe struct {
	Type          string        // ProbeICMP; "": nobody is probed
	Interval      time.Duration // between two probes of one address
	Timeout       time.Duration // for the answer; at most Interval
	Down          int           // losses in a row until an address counts as down
	Up            int           // answers in a row until it counts as up
	AllNamespaces bool          // those of the peers are probed, too
	Namespaces    []string      // only those with one of these names, sorted
	Ready         string        // whom readiness waits for: ReadyNone, ReadyAny or ReadyAll
	Pos           Pos
}

// ProbeICMP is the type of probe that sends echo requests.
const ProbeICMP = "icmp"

// What readiness asks of the peers.
const (
	ReadyNone = "none" // nothing
	ReadyAny  = "any"  // one that is up
	ReadyAll  = "all"  // that all are
)

// The defaults and bounds of probes.
const (
	defaultProbeInterval, minProbeInterval, maxProbeInterval = 10 * time.Second, 100 * time.Millisecond, time.Hour
	defaultProbeTimeout, minProbeTimeout                     = time.Second, 10 * time.Millisecond
	defaultProbeDown, defaultProbeUp, maxProbeRow            = 3, 1, 20
)

// Of says whether a namespace of that name is probed.
func (p *Probe) Of(namespace string) bool {
	if p.AllNamespaces {
		return true
	}
	_, ok := slices.BinarySearch(p.Namespaces, namespace)
	return ok
}

type rawProbe struct {
	at            node
	kind          value[string]
	interval      value[time.Duration]
	timeout       value[time.Duration]
	down, up      value[uint32]
	allNamespaces value[bool]
	namespaces    []value[string]
	ready         value[string]
}

// probe is a type, or a map.
func (d *decoder) probe(n node) rawProbe {
	p := rawProbe{at: n}
	kind := func(n node) { p.kind = d.oneOf(n, "a probe", ProbeICMP) }
	if n.shape() == scalar {
		kind(n)
		return p
	}
	d.fields(n,
		field{"type", kind},
		field{"interval", func(n node) { p.interval = d.duration(n, "the interval", minProbeInterval, maxProbeInterval) }},
		field{"timeout", func(n node) { p.timeout = d.duration(n, "the timeout", minProbeTimeout, maxProbeInterval) }},
		field{"down", func(n node) { p.down = d.number(n, "a count", 1, maxProbeRow) }},
		field{"up", func(n node) { p.up = d.number(n, "a count", 1, maxProbeRow) }},
		field{"namespaces", func(n node) { d.probeNamespaces(n, &p) }},
		field{"ready", func(n node) { p.ready = d.oneOf(n, "a condition", ReadyNone, ReadyAny, ReadyAll) }},
	)
	return p
}

func (d *decoder) probeNamespaces(n node, p *rawProbe) {
	if n.shape() == list {
		p.namespaces = several(d, n, "the name of a namespace", &p.namespaces, func(n node) value[string] { return d.str(n, "the name of a namespace") })
		return
	}
	p.allNamespaces = d.flag(n)
}

// duration reads a whole number of milliseconds, seconds or minutes.
func (d *decoder) duration(n node, what string, least, most time.Duration) value[time.Duration] {
	s, ok := d.text(n, "a duration")
	if !ok {
		return value[time.Duration]{}
	}
	part := regexp.MustCompile(`^([1-9][0-9]{0,6})(ms|s|m)$`).FindStringSubmatch(s)
	if part == nil {
		d.errorf(codeNotDuration, n, "such as 500ms, 10s or 1m", "%q is not a duration", s)
		return value[time.Duration]{}
	}
	number, _ := strconv.Atoi(part[1]) // seven digits at most
	v := time.Duration(number) * map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute}[part[2]]
	if v < least || v > most {
		d.errorf(codeOutOfRange, n, "", "%s is from %s to %s, not %s", what, short(least), short(most), s)
		return value[time.Duration]{}
	}
	return value[time.Duration]{v, n}
}

// short writes a duration as it is written in a file.
func short(t time.Duration) string {
	switch {
	case t%time.Minute == 0:
		return strconv.Itoa(int(t/time.Minute)) + "m"
	case t%time.Second == 0:
		return strconv.Itoa(int(t/time.Second)) + "s"
	}
	return strconv.Itoa(int(t/time.Millisecond)) + "ms"
}

// checkProbe checks what the keys of a probe say together, and the names in it.
func (w *walker) checkProbe() {
	p := &w.raw.probe
	interval := cmp.Or(p.interval.v, defaultProbeInterval)
	if p.timeout.given() && p.timeout.v > interval {
		w.errorf(codeTimeoutTooLong, p.timeout.at, "give a longer interval", "the timeout %s is longer than the interval %s", short(p.timeout.v), short(interval))
	}
	for _, v := range p.namespaces {
		if !w.known.is[v.v] {
			w.errorf(codeNoNamespace, v.at, didYouMean(v.v, w.known.names), "no node has a namespace %q", v.v)
		}
	}
}

// knownNames are those of all namespaces, where they are wanted.
type knownNames struct {
	wanted bool
	is     map[string]bool
	names  []string
}

func (k *knownNames) add(name string) {
	if !k.wanted || k.is[name] {
		return
	}
	if k.is == nil {
		k.is = map[string]bool{}
	}
	k.is[name] = true
	k.names = append(k.names, name)
}

// probe fills in what the file leaves out.
func (x *deriver) probe() Probe {
	r := x.raw.probe
	if !r.at.given() {
		return Probe{}
	}
	p := Probe{
		Type: cmp.Or(r.kind.v, ProbeICMP), Interval: cmp.Or(r.interval.v, defaultProbeInterval),
		Down: int(cmp.Or(r.down.v, defaultProbeDown)), Up: int(cmp.Or(r.up.v, defaultProbeUp)),
		AllNamespaces: r.allNamespaces.v, Ready: cmp.Or(r.ready.v, ReadyNone), Pos: r.at.pos(),
	}
	p.Timeout = cmp.Or(r.timeout.v, min(defaultProbeTimeout, p.Interval))
	for _, v := range r.namespaces {
		p.Namespaces = append(p.Namespaces, v.v)
	}
	slices.Sort(p.Namespaces)
	p.Namespaces = slices.Compact(p.Namespaces)
	return p
}

// probeNotes note what the probe leaves out.
func (x *deriver) probeNotes() {
	p, r := x.out.Probe, x.raw.probe
	if !r.at.given() {
		return
	}
	for _, v := range []struct {
		key, value string
		given      bool
		reason     string
	}{
		{"type", p.Type, r.kind.given(), "the default"},
		{"interval", short(p.Interval), r.interval.given(), "the default"},
		{"timeout", short(p.Timeout), r.timeout.given(), "the default, and no longer than the interval"},
		{"down", strconv.Itoa(p.Down), r.down.given(), "the default: losses in a row until a peer counts as down"},
		{"up", strconv.Itoa(p.Up), r.up.given(), "the default: answers in a row until a peer counts as up"},
		{"namespaces", fmt.Sprint(p.AllNamespaces), r.allNamespaces.given() || len(p.Namespaces) > 0, "the default: only the peers' hosts"},
		{"ready", p.Ready, r.ready.given(), "the default: readiness asks nothing of peers"},
	} {
		if !v.given {
			x.note("probe."+v.key, v.value, v.reason)
		}
	}
}
