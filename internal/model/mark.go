package model

import "strings"

// The marks that the tool leaves on what it makes. Protocol numbers are a shared
// space (iproute2's rt_protos); 157 is registered by nobody.
const (
	MarkGroup    uint32 = 157 // IFLA_GROUP of a link, set in the message that creates it
	MarkProtocol uint8  = 157 // protocol of a route, neighbour (NDA_PROTOCOL) and address (IFA_PROTO)

	aliasPrefix = "netplan-overlay:"
)

// Identity says for whom the tool works: one node of one topology.
type Identity struct {
	Topology string
	Node     string
}

// String returns "topology/node".
func (id Identity) String() string { return id.Topology + "/" + id.Node }

// Alias is the IFLA_IFALIAS of the identity's links and, on lo, its namespaces.
func (id Identity) Alias() string { return aliasPrefix + id.Topology + "/" + id.Node }

// ParseAlias reads the identity from a link's alias; ok is false where the alias
// is not one of ours.
func ParseAlias(alias string) (id Identity, ok bool) {
	rest, ok := strings.CutPrefix(alias, aliasPrefix)
	if !ok {
		return Identity{}, false
	}
	id.Topology, id.Node, ok = strings.Cut(rest, "/")
	return id, ok && id.Topology != "" && id.Node != ""
}

// Owner says whose an observed object is.
type Owner uint8

// The owners.
const (
	OwnerForeign Owner = iota // somebody else's: never touched, unless adopted
	OwnerOurs                 // carries our mark
	OwnerHalf                 // half-made by a run of ours that died: our group, no alias yet
	OwnerOther                // carries the mark of another topology or node
	OwnerKernel               // made by the kernel itself: ignored
	OwnerShared               // nobody's by nature (a sysctl that we have not set): may be set, is never removed
)

// String returns the word for the owner.
func (o Owner) String() string {
	switch o {
	case OwnerForeign:
		return "foreign"
	case OwnerOurs:
		return "ours"
	case OwnerHalf:
		return "half-made"
	case OwnerOther:
		return "other topology"
	case OwnerKernel:
		return "kernel"
	}
	return "shared"
}

// MarshalText implements encoding.TextMarshaler.
func (o Owner) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Mine says whether the tool may change and remove the object without asking.
func (o Owner) Mine() bool { return o == OwnerOurs || o == OwnerHalf }
