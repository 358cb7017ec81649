package monitor_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

func of(s *status.Status) prometheus.Collector {
	return monitor.NewCollector(func() *status.Status { return s })
}

// Metrics are named and described as Prometheus asks for, whatever is known.
func TestMetricsLint(t *testing.T) {
	for name, s := range map[string]*status.Status{"full": full(), "empty": {}} {
		problems, err := testutil.CollectAndLint(of(s))
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
	}
}

// promlint can find something.
func TestMetricsLintFinds(t *testing.T) {
	text := "# HELP netplan_overlay_x_count X.\n# TYPE netplan_overlay_x_count counter\nnetplan_overlay_x_count 1\n"
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) == 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// Each value is told, under its labels.
func TestMetrics(t *testing.T) {
	for name, want := range map[string]string{
		"state": `netplan_overlay_state{state="drifted"} 0
			netplan_overlay_state{state="failing"} 0
			netplan_overlay_state{state="in-sync"} 1
			netplan_overlay_state{state="repairing"} 0
			netplan_overlay_state{state="starting"} 0
			netplan_overlay_state{state="stopping"} 0
			netplan_overlay_state{state="unattended"} 0
			netplan_overlay_state{state="waiting"} 0`,
		"pending": `netplan_overlay_pending{why="failed"} 0
			netplan_overlay_pending{why="impact"} 0
			netplan_overlay_pending{why="invalid"} 1
			netplan_overlay_pending{why="refused"} 0
			netplan_overlay_pending{why="waiting"} 0`,
		"source_ok":     `netplan_overlay_source_ok 1`,
		"revision_info": `netplan_overlay_revision_info{commit="0123456789abcdef",digest="3f2a1b0c9d8e",node="vm1",topology="classic"} 1`,
		"objects_held": `netplan_overlay_objects_held{why="conflict"} 0
			netplan_overlay_objects_held{why="contested"} 1
			netplan_overlay_objects_held{why="failing"} 0
			netplan_overlay_objects_held{why="impact"} 0
			netplan_overlay_objects_held{why="pace"} 0`,
		"changes_total": `netplan_overlay_changes_total{action="create",kind="route",reason="drift"} 4
			netplan_overlay_changes_total{action="update",kind="link",reason="spec"} 2`,
		"kernel_events_total":         `netplan_overlay_kernel_events_total 100`,
		"kernel_event_overruns_total": `netplan_overlay_kernel_event_overruns_total 1`,
		"last_pass_timestamp_seconds": `netplan_overlay_last_pass_timestamp_seconds 1.795442591e+09`,
		"full_pass_interval_seconds":  `netplan_overlay_full_pass_interval_seconds 60`,
		"peer_up": `netplan_overlay_peer_up{address="172.246.0.2",namespace="ns246",peer="vm2"} 0
			netplan_overlay_peer_up{address="192.0.2.2",namespace="",peer="vm2"} 1`,
		"peer_rtt_seconds": `netplan_overlay_peer_rtt_seconds{address="192.0.2.2",namespace="",peer="vm2"} 0.0004`,
		"peers": `netplan_overlay_peers{state="down"} 1
			netplan_overlay_peers{state="unknown"} 1
			netplan_overlay_peers{state="up"} 1`,
		"probes_lost_total": `netplan_overlay_probes_lost_total 11`,
		"pass_duration_seconds": `netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.0005"} 1
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.001"} 1
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.0025"} 1
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.005"} 1
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.01"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.025"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.05"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.1"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.25"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="0.5"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="1"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="2.5"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="5"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="10"} 2
			netplan_overlay_pass_duration_seconds_bucket{trigger="timer",le="+Inf"} 3
			netplan_overlay_pass_duration_seconds_sum{trigger="timer"} 60.0073
			netplan_overlay_pass_duration_seconds_count{trigger="timer"} 3`,
	} {
		if err := compare(of(full()), "netplan_overlay_"+name, want); err != nil {
			t.Error(err)
		}
	}
}

// compare ignores help and type, which docs/metrics.md has.
func compare(c prometheus.Collector, name, want string) error {
	families := prometheus.NewPedanticRegistry()
	if err := families.Register(c); err != nil {
		return err
	}
	l, err := families.Gather()
	if err != nil {
		return err
	}
	head := ""
	for _, f := range l {
		if f.GetName() == name {
			head = "# HELP " + name + " " + f.GetHelp() + "\n# TYPE " + name + " " + strings.ToLower(f.GetType().String()) + "\n"
		}
	}
	return testutil.CollectAndCompare(c, strings.NewReader(head+strings.ReplaceAll(want, "\t", "")+"\n"), name)
}

// Names that are no text, and the same peer twice, spoil nothing.
func TestMetricsOfHostileNames(t *testing.T) {
	s := full()
	s.Revision.Digest = "\xff"
	s.Peers = []status.Peer{
		{Node: "a\xff\"\n", Address: "192.0.2.9", State: status.Up}, {Node: "a\xff\"\n", Address: "192.0.2.9", State: status.Down},
		{Node: "a\xfe\"\n", Address: "192.0.2.9", State: status.Down},
	}
	if err := compare(of(s), "netplan_overlay_peer_up", `netplan_overlay_peer_up{address="192.0.2.9",namespace="",peer="a`+"\ufffd"+`\"\n"} 1`); err != nil {
		t.Error(err)
	}
}
