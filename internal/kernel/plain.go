package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// plainDoor is a door to objects most of whose steps are one message each, so that many
// steps can go to the kernel together.
type plainDoor interface {
	door
	// plain says whether the step is one message, unless the kernel refuses it.
	plain(s model.Step) bool
	// message appends the message of a step to those that m has.
	message(m message, at *site, s model.Step) (message, error)
	// verdict says what it means that the kernel refused the message: nil where what
	// should go is gone already. If again is set, the door itself may know another way.
	verdict(s model.Step, err error) (rest error, again bool)
}

// site is a namespace in which several messages are made. It remembers the link that
// the last one was about: mostly it is that of the next one, too.
type site struct {
	*space
	link  string
	index uint32
}

// on returns the index of a link.
func (at *site) on(link string) (uint32, error) {
	if at.index != 0 && at.link == link {
		return at.index, nil
	}
	i, err := at.find(link)
	if err == nil {
		at.link, at.index = link, i
	}
	return i, err
}

// one sends the one message that build appends, in the namespace.
func (h *Host) one(netns string, build func(message, *site) (message, error)) error {
	s, err := h.space(netns)
	if err != nil {
		return err
	}
	m, err := build(make(message, 0, roomForOne), &site{space: s})
	if err != nil {
		return err
	}
	return h.exec(s, m)
}

// plainly does a step that is one message. What should go from a namespace or link that
// is gone is gone, too.
func (h *Host) plainly(d plainDoor, s model.Step) error {
	built := false
	err := h.one(s.Key().Netns, func(m message, at *site) (message, error) {
		m, err := d.message(m, at, s)
		built = err == nil
		return m, err
	})
	switch {
	case err == nil:
		return nil
	case built:
		err, _ = d.verdict(s, err)
	case s.Op == model.OpDelete:
		err = ignore(err, unix.ENODEV, unix.ENOENT)
	}
	return err
}

// plain returns the door of a step that is one message, nil for others, and the step's
// namespace. It makes no key: that would take longer than the message.
func (h *Host) plain(s model.Step) (d plainDoor, netns string) {
	switch o := s.Object().(type) {
	case model.Address:
		d, netns = addressDoor{h}, o.Netns
	case model.Neighbour:
		d, netns = neighbourDoor{h}, o.Netns
	case model.FDBEntry:
		d, netns = fdbDoor{h}, o.Netns
	case model.Route:
		d, netns = routeDoor{h}, o.Netns
	}
	if d == nil || !d.plain(s) {
		return nil, ""
	}
	return d, netns
}

// Batch returns how many of the first steps Do takes together, at most; at least 1, if there
// is one. What is sent at once is executed as a whole, though one of them fails; steps that
// are sent after that are not tried. They either remove, or make and change: what is there
// stays until what comes in its place was made, and of a batch that may have been done or
// not, no step is about what another one has left.
func (h *Host) Batch(steps []model.Step) int {
	if len(steps) > 0 && h.joint(steps[0]) != nil {
		return h.joined(steps)
	}
	return h.plainSteps(steps, false)
}

// plainSteps returns how many of the first steps are one message each; or, if they are to be
// in one namespace, how many can go to the kernel in one send.
func (h *Host) plainSteps(steps []model.Step, inOneNetns bool) int {
	n := min(len(steps), chunkMessages)
	var where string
	for i, s := range steps[:n] {
		d, netns := h.plain(s)
		if i == 0 {
			where = netns
		}
		if d == nil || inOneNetns && netns != where || (s.Op == model.OpDelete) != (steps[0].Op == model.OpDelete) {
			return max(i, 1)
		}
	}
	return n
}
