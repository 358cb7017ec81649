package monitor_test

import (
	"flag"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// full is a status that has something of everything.
func full() *status.Status {
	at := time.Date(2026, 11, 23, 14, 3, 11, 0, time.UTC)
	pass := &status.Histogram{}
	pass.Add(300 * time.Microsecond)
	pass.Add(7 * time.Millisecond)
	pass.Add(time.Minute)
	rtt := &status.Histogram{}
	rtt.Add(400 * time.Microsecond)
	return &status.Status{
		FormatVersion: status.FormatVersion, Version: "1.2.3", PID: 4711, Now: at.Add(2 * time.Hour), Started: at.Add(-time.Hour),
		Topology: "classic", Node: "vm1", State: status.InSync, Since: at,
		Source:   status.Source{Paths: []string{"/etc/netplan-overlay/"}, OK: true, Since: at},
		Revision: &status.Revision{Digest: "3f2a1b0c9d8e7f6a5b4c", Commit: "0123456789abcdef", Since: at},
		Pending:  &status.Pending{Revision: status.Revision{Digest: "77", Since: at}, Why: status.PendingInvalid, Detail: "topology.yaml:3:1: what is this"},
		Objects:  13,
		Last:     &status.Change{Time: at.Add(time.Minute), Action: "create", Kind: "route", Object: "route default in ns245", Reason: "drift", Impact: "none", Duration: 3 * time.Millisecond},
		Drift:    []status.Drift{{Kind: "link", Object: "link br245", Action: "update", Attrs: []string{"mtu 1400 -> 1450"}, Since: at}},
		Held:     []status.Held{{Kind: "link", Object: "link vxlan1", Why: status.HeldContested, Detail: "by flanneld (process 77)", Since: at}},
		Peers: []status.Peer{
			{Node: "vm2", Address: "192.0.2.2", State: status.Up, Since: at, RTT: 400 * time.Microsecond, Sent: 10, Lost: 1, Loss: .1},
			{Node: "vm2", Namespace: "ns246", Address: "172.246.0.2", State: status.Down, Since: at, Sent: 10, Lost: 10, Loss: 1},
			{Node: "vm3", Address: "192.0.2.3", State: status.Unknown, Since: at},
		},
		Limits: status.Limits{ApproveImpact: "disruptive", FullPass: time.Minute, Contested: 5},
		Counters: status.Counters{
			Changes:   status.Changes{{Action: "create", Kind: "route", Reason: "drift"}: 4, {Action: "update", Kind: "link", Reason: "spec"}: 2},
			Drift:     map[string]uint64{"route": 4},
			Passes:    map[status.PassKind]uint64{status.PassTimer: 2, status.PassPoint: 1},
			Failures:  map[status.PassKind]uint64{status.PassTimer: 1},
			Revisions: map[status.RevisionFate]uint64{status.FateApplied: 2, status.FateInvalid: 1},
			Events:    100, Relevant: 9, Overruns: 1, Contested: 1, Steps: 42,
		},
		Passes: status.PassTimes{Last: at, Full: at, Seconds: map[status.PassKind]*status.Histogram{status.PassTimer: pass}},
		Probes: status.ProbeTimes{Seconds: rtt, Sent: 20, Lost: 11},
	}
}
