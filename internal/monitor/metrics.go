package monitor

import (
	"cmp"
	"runtime"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// metrics lists all that are made of a status.
func metrics() []*metric {
	return slices.Concat(processMetrics(), revisionMetrics(), objectMetrics(), passMetrics(), peerMetrics())
}

func processMetrics() []*metric {
	return []*metric{
		gauge("build_info", "Which program watches the host; always 1.", func(s *status.Status, put put) {
			put(1, s.Version, runtime.Version())
		}, "version", "goversion"),
		gauge("start_time_seconds", "When the process began to watch.", func(s *status.Status, put put) { putTime(put, s.Started) }),
		gauge("dry_run", "Whether nothing is changed, only told (1).", func(s *status.Status, put put) { put(truth(s.DryRun)) }),
		gauge("state", "How the host is doing: 1 for the state that it is in, 0 for all others.", func(s *status.Status, put put) {
			for _, x := range status.States() {
				put(truth(s.State == x), string(x))
			}
		}, "state"),
		gauge("state_since_timestamp_seconds", "When the host has got into its state.", func(s *status.Status, put put) { putTime(put, s.Since) }),
	}
}

func revisionMetrics() []*metric {
	return []*metric{
		gauge("source_ok", "Whether the topology's files can be read and are valid (1).", func(s *status.Status, put put) { put(truth(s.Source.OK)) }),
		gauge("revision_info", "Which revision of the topology is in force; always 1. None is there as long as none is.", func(s *status.Status, put put) {
			if r := s.Revision; r != nil {
				put(1, s.Topology, s.Node, r.Digest[:min(len(r.Digest), 12)], r.Commit)
			}
		}, "topology", "node", "digest", "commit"),
		gauge("revision_since_timestamp_seconds", "Since when the revision has been in force.", func(s *status.Status, put put) {
			if r := s.Revision; r != nil {
				putTime(put, r.Since)
			}
		}),
		gauge("revision_restored", "Whether the revision in force is the last good one that was kept on disk (1), as the files could not be used at start.",
			func(s *status.Status, put put) { put(truth(s.Revision != nil && s.Revision.Restore)) }),
		gauge("pending", "Whether the files hold a revision that is not in force (1), by why it isn't.", func(s *status.Status, put put) {
			for _, why := range status.PendingWhys() {
				put(truth(s.Pending != nil && s.Pending.Why == why), string(why))
			}
		}, "why"),
		counter("revisions_total", "Revisions that the files have had, by what became of them.", func(s *status.Status, put put) {
			for _, f := range status.RevisionFates() {
				put(float64(s.Counters.Revisions[f]), string(f))
			}
		}, "fate"),
	}
}

func objectMetrics() []*metric {
	return []*metric{
		gauge("objects", "Objects that the revision in force asks of this host.", func(s *status.Status, put put) { put(float64(s.Objects)) }),
		gauge("objects_drifted", "Objects that differ at this moment, and are left so, by kind.", func(s *status.Status, put put) {
			n := map[string]int{}
			for _, d := range s.Drift {
				n[d.Kind]++
			}
			for _, kind := range kinds() {
				put(float64(n[kind]), kind)
			}
		}, "kind"),
		gauge("objects_held", "Objects that are left alone for now, by why they are.", func(s *status.Status, put put) {
			n := map[status.HeldWhy]int{}
			for _, h := range s.Held {
				n[h.Why]++
			}
			for _, why := range status.HeldWhys() {
				put(float64(n[why]), string(why))
			}
		}, "why"),
		counter("changes_total", "Changes made to the host, by what was done to which kind of object, and what made it necessary.",
			func(s *status.Status, put put) {
				for k, n := range s.Counters.Changes {
					put(float64(n), k.Action, k.Kind, cmp.Or(k.Reason, "unknown"))
				}
			}, "action", "kind", "reason"),
		gauge("last_change_timestamp_seconds", "When the host was last changed. It is not there as long as it never was.", func(s *status.Status, put put) {
			if s.Last != nil {
				putTime(put, s.Last.Time)
			}
		}),
		counter("drift_total", "Objects found to differ without the file having changed, by kind.", func(s *status.Status, put put) {
			for _, kind := range kinds() {
				put(float64(s.Counters.Drift[kind]), kind)
			}
		}, "kind"),
		counter("contested_total", "Times that an object was given up because somebody else changed it back again and again.",
			func(s *status.Status, put put) { put(float64(s.Counters.Contested)) }),
		counter("kernel_writes_total", "Requests to the kernel that change something.", func(s *status.Status, put put) { put(float64(s.Counters.Steps)) }),
	}
}

func passMetrics() []*metric {
	return []*metric{
		counter("passes_total", "Looks at the host, by what led to them.", func(s *status.Status, put put) {
			for _, k := range status.PassKinds() {
				put(float64(s.Counters.Passes[k]), string(k))
			}
		}, "trigger"),
		counter("pass_failures_total", "Looks at the host that ended with an error, by what led to them.", func(s *status.Status, put put) {
			for _, k := range status.PassKinds() {
				put(float64(s.Counters.Failures[k]), string(k))
			}
		}, "trigger"),
		histogram("pass_duration_seconds", "How long looks at the host took, with what was put right, by what led to them.",
			func(s *status.Status) map[string]*status.Histogram {
				l := map[string]*status.Histogram{}
				for k, h := range s.Passes.Seconds {
					l[string(k)] = h
				}
				return l
			}, "trigger"),
		gauge("last_pass_timestamp_seconds", "When a look at the host, or at a part of it, last ended well.", func(s *status.Status, put put) { putTime(put, s.Passes.Last) }),
		gauge("last_full_pass_timestamp_seconds", "When a look at all of the host last ended well.", func(s *status.Status, put put) { putTime(put, s.Passes.Full) }),
		gauge("full_pass_interval_seconds", "How often all of the host is looked at, whatever happens.", func(s *status.Status, put put) { put(s.Limits.FullPass.Seconds()) }),
		counter("kernel_events_total", "Events that the kernel told of.", func(s *status.Status, put put) { put(float64(s.Counters.Events)) }),
		counter("kernel_events_relevant_total", "Events about what the topology asks for, or what is ours.", func(s *status.Status, put put) { put(float64(s.Counters.Relevant)) }),
		counter("kernel_event_overruns_total", "Times that the kernel told more than could be taken, and all was looked at instead.",
			func(s *status.Status, put put) { put(float64(s.Counters.Overruns)) }),
	}
}

// kinds are the kinds of objects: each is there from the beginning, so that the first
// drift is a growth.
func kinds() []string {
	var l []string
	for _, k := range model.Kinds() {
		l = append(l, k.String())
	}
	return l
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// putTime emits a point in time in seconds since 1970, and nothing where there is none.
func putTime(put put, t time.Time) {
	if !t.IsZero() {
		put(float64(t.UnixMicro()) / 1e6)
	}
}
