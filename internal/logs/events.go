package logs

import (
	"log/slog"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Change tells a change that was made: "create route default in ns245".
func Change(l *slog.Logger, c *status.Change) {
	l.Info(c.Action+" "+c.Object, with(c.Attrs, "action", c.Action, "kind", c.Kind, "object", c.Object, "reason", c.Reason, "impact", c.Impact, "duration", c.Duration)...)
}

// Drift tells that an object differs, and is left so.
func Drift(l *slog.Logger, d *status.Drift, reason string) {
	l.Warn("differs: "+d.Object, with(d.Attrs, "action", d.Action, "kind", d.Kind, "object", d.Object, "reason", reason)...)
}

// InForce tells that a revision is in force from now on.
func InForce(l *slog.Logger, r *status.Revision, topology, node string) {
	l.Info("in force: "+topology, "topology", topology, "node", node, "revision", r.Digest, "commit", r.Commit, "restored", r.Restore)
}

// Pending tells that a revision is not in force, and why. One that only waits is no error.
func Pending(l *slog.Logger, p *status.Pending) {
	log := l.Error
	if p.Why == status.PendingWaiting {
		log = l.Warn
	}
	log("not in force", "revision", p.Digest, "commit", p.Commit, "why", string(p.Why), "detail", p.Detail)
}

// Held tells that an object is left alone.
func Held(l *slog.Logger, h *status.Held) {
	attrs := []any{"kind", h.Kind, "object", h.Object, "why", string(h.Why), "detail", h.Detail}
	if !h.Next.IsZero() {
		attrs = append(attrs, "next", h.Next)
	}
	l.Warn("left alone: "+h.Object, attrs...)
}

// Released tells that an object is not left alone any more.
func Released(l *slog.Logger, h *status.Held) {
	l.Info("not left alone any more: "+h.Object, "kind", h.Kind, "object", h.Object, "was", string(h.Why))
}

// State tells how the host is doing now.
func State(l *slog.Logger, s status.State, reason string) {
	log := l.Info
	switch s {
	case status.Failing, status.Repairing:
		log = l.Error
	case status.Drifted, status.Unattended, status.Waiting:
		log = l.Warn
	}
	log(string(s), "state", string(s), "reason", reason)
}

// Peer tells that a probed address has come up or gone down.
func Peer(l *slog.Logger, p *status.Peer) {
	log := l.Info
	if p.State == status.Down {
		log = l.Warn
	}
	log("peer "+p.Node+" is "+string(p.State), "peer", p.Node, "namespace", p.Namespace, "address", p.Address, "state", string(p.State), "rtt", p.RTT)
}

// PassFailed tells that a look at the host ended with an error.
func PassFailed(l *slog.Logger, trigger status.PassKind, err error, took time.Duration) {
	l.Error("could not look at the host, or put it right", "trigger", string(trigger), "error", err, "duration", took)
}

// with adds what differs, where anything is known of that.
func with(attrs []string, args ...any) []any {
	if len(attrs) > 0 {
		args = append(args, "attributes", attrs)
	}
	return args
}
