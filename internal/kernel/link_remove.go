package kernel

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// remove deletes a link; one that is gone, with its namespace or its other end, is
// no error.
func (d linkDoor) remove(o model.Object) error {
	l := o.(model.Link)
	s, err := d.h.space(l.Netns)
	if err != nil {
		return ignore(err, unix.ENOENT)
	}
	defer d.h.forgetIndexes()
	m := newMessage(unix.RTM_DELLINK, 0, ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, l.Name)
	return ignore(d.h.exec(s, m), unix.ENODEV)
}

func (d linkDoor) joins(op model.Op) bool { return op != model.OpUpdate }

// together makes links one by one, and deletes those of one namespace in one go: for each
// one by itself, the kernel waits until no processor can have it in hand any more, several times over
// (synchronize_net in unregister_netdevice_many_notify, net/core/dev.c), which is 20 ms;
// for all together it waits no longer. What it deletes together is what is in one group
// (rtnl_group_dellink, net/core/rtnetlink.c).
func (d linkDoor) together(steps []model.Step) []error {
	if steps[0].Op == model.OpCreate {
		return inTurn(steps, func(s model.Step) error { return d.create(s.After) })
	}
	var errs []error
	for len(errs) < len(steps) {
		n := inOneNetns(steps[len(errs):])
		done := d.removeGroup(steps[len(errs) : len(errs)+n])
		if errs = append(errs, done...); done[n-1] != nil {
			break
		}
	}
	return append(errs, notTried(len(steps)-len(errs))...)
}

// inOneNetns returns how many of the first steps are in the same namespace.
func inOneNetns(steps []model.Step) int {
	netns := steps[0].Key().Netns
	if i := slices.IndexFunc(steps, func(s model.Step) bool { return s.Key().Netns != netns }); i >= 0 {
		return i
	}
	return len(steps)
}

// removeGroup deletes links of one namespace. Where one of them cannot be put into the
// group, those before it are deleted; where the group cannot be deleted, all stay, and are
// in their own groups, and up, again.
func (d linkDoor) removeGroup(steps []model.Step) []error {
	if len(steps) == 1 {
		return []error{d.remove(steps[0].Before)}
	}
	s, err := d.h.space(steps[0].Key().Netns)
	if err != nil {
		return inTurn(steps, func(model.Step) error { return ignore(err, unix.ENOENT) })
	}
	defer d.h.forgetIndexes()
	group := doomedGroup()
	moved := 0
	errs := inTurn(steps, func(step model.Step) error {
		err := d.h.exec(s, groupMessage(step.Before.(model.Link), group))
		if err == nil {
			moved++
		}
		return ignore(err, unix.ENODEV)
	})
	if moved == 0 {
		return errs
	}
	err = d.removeDoomed(s, group, crowded(steps[:untilFailed(errs)]))
	if ignore(err, unix.ENODEV) == nil {
		return errs
	}
	for i, step := range steps {
		if l := step.Before.(model.Link); errs[i] == nil {
			err = errors.Join(err, ignore(d.h.exec(s, reprieveMessage(l)), unix.ENODEV))
		}
	}
	return inTurn(steps, func(model.Step) error { return err })
}

// removeDoomed deletes what is in a group, all in one send. The bridges go down first: of
// each port that leaves one that is up, the kernel makes it look at all that are left
// (br_port_state_selection and br_multicast_enable_port, net/bridge), which takes more than
// all the rest where there are thousands.
func (d linkDoor) removeDoomed(s *space, group uint32, bridges []string) error {
	var m message
	for _, name := range bridges {
		m = append(m, newMessage(unix.RTM_NEWLINK, 0, ifinfo(0, 0, unix.IFF_UP)).str(unix.IFLA_IFNAME, name).sized()...)
		if err := d.h.writing(); err != nil {
			return err
		}
	}
	m = append(m, newMessage(unix.RTM_DELLINK, 0, ifinfo(0, 0, 0)).u32(unix.IFLA_GROUP, group).sized()...)
	if err := d.h.writing(); err != nil {
		return err
	}
	var refused error
	answer := make([]byte, 8<<10)
	lost, err := s.conn.deliver(m, answer, func(i int, err error) {
		if i == len(bridges) { // a bridge that stays up is no reason to give up
			refused = err
		}
	})
	if lost {
		err = ErrUnknown
	}
	return cmp.Or(err, refused)
}

// crowded returns those bridges of which ports are deleted, too.
func crowded(steps []model.Step) []string {
	ports := map[string]bool{}
	for _, s := range steps {
		ports[s.Before.(model.Link).Master.Value()] = true
	}
	var l []string
	for _, s := range steps {
		if b := s.Before.(model.Link); b.Type.Value() == model.TypeBridge && b.Up.Value() && ports[b.Name] {
			l = append(l, b.Name)
		}
	}
	return l
}

// groupMessage puts a link into a group.
func groupMessage(l model.Link, group uint32) message {
	return newMessage(unix.RTM_NEWLINK, 0, ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, l.Name).u32(unix.IFLA_GROUP, group)
}

// reprieveMessage puts a link into its own group, and up, if it was.
func reprieveMessage(l model.Link) message {
	var flags uint32
	if l.Up.Value() {
		flags = unix.IFF_UP
	}
	return newMessage(unix.RTM_NEWLINK, 0, ifinfo(0, flags, flags)).str(unix.IFLA_IFNAME, l.Name).u32(unix.IFLA_GROUP, l.Group.Value())
}

// doomed is a bit in the numbers of groups that are about to be deleted.
const doomed = 1 << 30

// doomedGroup is a group that no link is in: one of so many that nobody else can have
// chosen it. A run that dies leaves links in it that carry our alias.
func doomedGroup() uint32 { return rand.Uint32() | doomed }

// reprieve puts a link of ours into its group again that is to be made, and is there still:
// a run that died was about to delete it.
func (d linkDoor) reprieve(s *space, l model.Link, err error) error {
	if !errors.Is(err, unix.EEXIST) || l.Alias.Value() == "" || !l.Group.IsSet() {
		return nil
	}
	r, err := s.link(l.Name)
	if err != nil || r.link.Alias != l.Alias || r.link.Group.Value()&doomed == 0 {
		return nil // it is another one
	}
	return d.h.exec(s, reprieveMessage(l))
}
