// Package snapshot keeps what a host has in a file, so that a plan can be made from it
// elsewhere, and shown to others without names and addresses.
package snapshot

import (
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// FormatVersion is the version of the form. The first number changes when an earlier
// reader would misread the form.
const FormatVersion = "1.0"

// Kind says what the file is.
const Kind = "netplan-overlay snapshot"

// Snapshot is all of a host that any topology may ask about. Whose an object is stands
// nowhere: it follows from the marks, for whichever node the plan is.
type Snapshot struct {
	FormatVersion string    `json:"format_version"`
	Kind          string    `json:"kind"`
	Tool          string    `json:"tool"` // the version of the program
	Time          time.Time `json:"time"`
	Hostname      string    `json:"hostname"`
	Topology      string    `json:"topology,omitempty"` // whose sysctls are remembered; "": nobody's
	Node          string    `json:"node,omitempty"`
	Redacted      bool      `json:"redacted,omitempty"` // names and addresses are not those of the host

	Applied string `json:"applied,omitempty"` // the note of the topology that was applied last, to tell a change from drift

	Features   kernel.Features  `json:"features"`
	Management model.Management `json:"management"`

	Netns      []model.Netns     `json:"netns"`
	Inside     []string          `json:"inside"` // the namespaces that were looked into; "" is the host's own
	Links      []model.Link      `json:"links"`
	Addresses  []model.Address   `json:"addresses"`
	Routes     []model.Route     `json:"routes"` // of the main tables
	Neighbours []model.Neighbour `json:"neighbours"`
	FDB        []model.FDBEntry  `json:"fdb"`
	Saved      []model.Sysctl    `json:"saved"`   // sysctls that were set, with what they were before
	Sysctls    []Sysctls         `json:"sysctls"` // all that can be set
}

// Sysctls are those of one namespace.
type Sysctls struct {
	Netns  string            `json:"netns,omitempty"`
	Values map[string]string `json:"values"`
}

// Identity is for whom the sysctls are remembered.
func (s *Snapshot) Identity() model.Identity {
	return model.Identity{Topology: s.Topology, Node: s.Node}
}

// AppliedFor is the note of the topology that was applied last for a node; "" where there
// is none.
func (s *Snapshot) AppliedFor(id model.Identity) string {
	if id != s.Identity() {
		return ""
	}
	return s.Applied
}
