package status

import (
	"time"
)

// FormatVersion is that of the JSON form of Status.
const FormatVersion = "1.0"

// State is how a host is doing, in a word.
type State string

// The states.
const (
	Starting   State = "starting"   // nothing has been compared yet
	Waiting    State = "waiting"    // for what must be there first: a topology, the underlay address
	InSync     State = "in-sync"    // the host is as the revision in force says
	Repairing  State = "repairing"  // it differs, and that is being put right
	Drifted    State = "drifted"    // it differs, and is left so: a dry run, or objects that are held back
	Failing    State = "failing"    // it could not be looked at, or put right
	Stopping   State = "stopping"   // the process is about to end; the network stays
	Unattended State = "unattended" // a change waits to be confirmed: nothing is touched meanwhile
)

// States lists every state.
func States() []State {
	return []State{Starting, Waiting, InSync, Repairing, Drifted, Failing, Stopping, Unattended}
}

// Status is all that a watching process tells of itself at one moment.
type Status struct {
	FormatVersion string    `json:"format_version"`
	Version       string    `json:"version"` // of the program
	PID           int       `json:"pid"`
	Now           time.Time `json:"now"`     // when the status was taken
	Started       time.Time `json:"started"` // the process

	Topology string    `json:"topology,omitempty"` // "" as long as none is known
	Node     string    `json:"node,omitempty"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`            // of the state
	Reason   string    `json:"reason,omitempty"` // of a state other than in-sync, for people
	DryRun   bool      `json:"dry_run"`

	Source   Source     `json:"source"`
	Revision *Revision  `json:"revision,omitempty"` // in force; nil: none yet
	Pending  *Pending   `json:"pending,omitempty"`  // what stands in the files, and is not in force
	Objects  int        `json:"objects"`            // that the revision in force asks of this node
	Last     *Change    `json:"last_change,omitempty"`
	Recent   []Change   `json:"recent_changes,omitempty"` // newest first, at most 20
	Drift    []Drift    `json:"drift,omitempty"`          // what differs at this moment
	Held     []Held     `json:"held,omitempty"`           // objects that are left alone for now
	Peers    []Peer     `json:"peers,omitempty"`          // by node name; nil where nothing is probed
	Limits   Limits     `json:"limits"`
	Counters Counters   `json:"counters"`
	Passes   PassTimes  `json:"passes"`
	Probes   ProbeTimes `json:"-"` // round-trip times; their shape is for metrics alone
}

// Source is the topology's files as they are now.
type Source struct {
	Paths []string  `json:"paths"`
	OK    bool      `json:"ok"` // readable and valid
	Error string    `json:"error,omitempty"`
	Since time.Time `json:"since"` // of OK
}

// Revision is one text of the topology's files.
type Revision struct {
	Digest  string    `json:"digest"`           // SHA-256 of the files, in hexadecimal
	Commit  string    `json:"commit,omitempty"` // where the files' path or repository tells it
	Since   time.Time `json:"since"`            // in force, or waiting
	Restore bool      `json:"restored"`         // it is the last good one, kept on disk: the files could not be used at start
}

// PendingWhy says why a revision is not in force.
type PendingWhy string

// The reasons.
const (
	PendingInvalid PendingWhy = "invalid" // the files have errors
	PendingFailed  PendingWhy = "failed"  // it was tried and rolled back; it is not tried again until it changes
	PendingRefused PendingWhy = "refused" // a guard stands against it: conflicts, harm, the management connection, an empty file
	PendingImpact  PendingWhy = "impact"  // worse than what is approved
	PendingWaiting PendingWhy = "waiting" // for the underlay address, or another run on the host; it is tried again
)

// PendingWhys lists every reason.
func PendingWhys() []PendingWhy {
	return []PendingWhy{PendingInvalid, PendingFailed, PendingRefused, PendingImpact, PendingWaiting}
}

// Pending is a revision that is not in force.
type Pending struct {
	Revision
	Why    PendingWhy `json:"why"`
	Detail string     `json:"detail"` // the error in full, and what to do
}

// Change is one change that was made to the host.
type Change struct {
	Time     time.Time     `json:"time"`
	Action   string        `json:"action"` // create, update, replace, delete, adopt
	Kind     string        `json:"kind"`
	Object   string        `json:"object"`
	Attrs    []string      `json:"attributes,omitempty"` // "mtu 1400 -> 1450"
	Reason   string        `json:"reason"`               // spec, drift, orphan, cascade
	Impact   string        `json:"impact"`
	Duration time.Duration `json:"duration_ns"` // of the pass that made it
}

// Drift is an object that differs from what is asked.
type Drift struct {
	Kind   string    `json:"kind"`
	Object string    `json:"object"`
	Action string    `json:"action"` // what would be done
	Attrs  []string  `json:"attributes,omitempty"`
	Since  time.Time `json:"since"`
}

// HeldWhy says why an object is left alone.
type HeldWhy string

// The reasons.
const (
	HeldFailing   HeldWhy = "failing"   // it could not be put right; it is tried again with increasing pauses
	HeldContested HeldWhy = "contested" // somebody else changes it back again and again
	HeldImpact    HeldWhy = "impact"    // putting it right would do more harm than is approved
	HeldPace      HeldWhy = "pace"      // disruptive changes are limited to so many a time
	HeldConflict  HeldWhy = "conflict"  // somebody else's object is in its place, or would go down with it
)

// HeldWhys lists every reason.
func HeldWhys() []HeldWhy {
	return []HeldWhy{HeldFailing, HeldContested, HeldImpact, HeldPace, HeldConflict}
}

// Held is an object that is left alone for now.
type Held struct {
	Kind   string    `json:"kind"`
	Object string    `json:"object"`
	Why    HeldWhy   `json:"why"`
	Detail string    `json:"detail"`         // the error, or who seems to be the other one
	Since  time.Time `json:"since"`          //
	Next   time.Time `json:"next,omitzero"`  // when it is tried again; zero: not by itself
	Tries  int       `json:"tries,omitzero"` // so far
}

// Reach is whether a peer answers.
type Reach string

// What is known of a peer.
const (
	Unknown Reach = "unknown" // not asked yet, or no answer can be expected
	Up      Reach = "up"
	Down    Reach = "down"
)

// Peer is the health of a peer, as probes see it.
type Peer struct {
	Node      string        `json:"node"`
	Address   string        `json:"address"`             // that is probed
	Namespace string        `json:"namespace,omitempty"` // whose address it is; "" for the VTEP
	State     Reach         `json:"state"`
	Since     time.Time     `json:"since"`
	RTT       time.Duration `json:"rtt_ns,omitzero"` // of the last answer
	Sent      uint64        `json:"sent"`
	Lost      uint64        `json:"lost"`
	Loss      float64       `json:"loss"`            // of the last 20 probes, 0 to 1
	Error     string        `json:"error,omitempty"` // why the last probe could not be sent
}

// Limits are what the loop was told to keep to.
type Limits struct {
	ApproveImpact string        `json:"approve_impact"` // the worst that it does by itself
	FullPass      time.Duration `json:"full_pass_interval_ns"`
	Contested     int           `json:"contested_after"` // repairs of one attribute in a minute
}

// Counters only grow while the process lives.
type Counters struct {
	Changes   Changes                 `json:"changes"`         // that were made
	Drift     map[string]uint64       `json:"drift"`           // objects found to differ without the file having changed, by kind
	Passes    map[PassKind]uint64     `json:"passes"`          //
	Failures  map[PassKind]uint64     `json:"failures"`        // of passes
	Events    uint64                  `json:"events"`          // that the kernel told
	Relevant  uint64                  `json:"events_relevant"` // of them, about what the topology asks for, or what is ours
	Overruns  uint64                  `json:"event_overruns"`  // the kernel told more than could be taken
	Revisions map[RevisionFate]uint64 `json:"revisions"`       // of the files, by what became of them
	Contested uint64                  `json:"contested"`       // times that an object was given up
	Steps     uint64                  `json:"writes"`          // requests that changed something
}

// ChangeKind is what changes are counted by.
type ChangeKind struct{ Action, Kind, Reason string }

// PassKind is why the host was looked at.
type PassKind string

// The kinds of passes.
const (
	PassFile   PassKind = "file"   // a revision
	PassTimer  PassKind = "timer"  // the full look from time to time
	PassEvent  PassKind = "event"  // a full look because of an event
	PassPoint  PassKind = "point"  // a look at the objects that events were about
	PassLost   PassKind = "lost"   // a full look after an overrun
	PassRetry  PassKind = "retry"  // of what failed, or was held back
	PassSignal PassKind = "signal" // SIGHUP
)

// PassKinds lists every kind.
func PassKinds() []PassKind {
	return []PassKind{PassFile, PassTimer, PassEvent, PassPoint, PassLost, PassRetry, PassSignal}
}

// RevisionFate is what became of a revision.
type RevisionFate string

// The fates.
const (
	FateApplied RevisionFate = "applied"
	FateInvalid RevisionFate = "invalid"
	FateFailed  RevisionFate = "failed"
	FateHeld    RevisionFate = "held"
)

// RevisionFates lists every fate.
func RevisionFates() []RevisionFate {
	return []RevisionFate{FateApplied, FateInvalid, FateFailed, FateHeld}
}

// PassTimes are how long passes took, by kind.
type PassTimes struct {
	Last    time.Time               `json:"last,omitzero"` // when the last pass ended well
	Full    time.Time               `json:"last_full,omitzero"`
	Seconds map[PassKind]*Histogram `json:"-"`
}

// ProbeTimes are the round-trip times of all probes that were answered in time, and how
// many were sent and lost: also those to peers that are none any more.
type ProbeTimes struct {
	Seconds    *Histogram
	Sent, Lost uint64
}
