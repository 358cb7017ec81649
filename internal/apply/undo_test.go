package apply_test

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestInverse(t *testing.T) {
	br := model.Link{Name: "br0", Up: model.Some(true)}
	down := br
	down.Up = model.Some(false)
	address := model.Address{Link: "br0", Prefix: netip.MustParsePrefix("10.1.0.1/24")}
	port := model.Link{Name: "v0", Master: model.Some("br0")}
	free := model.Link{Name: "v0", Master: model.Some("")}
	sysctl := func(value, saved string) model.Sysctl {
		s := model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some(value)}
		if saved != "" {
			s.Saved = model.Some(saved)
		}
		return s
	}
	create := func(o model.Object) model.Step { return model.Step{Op: model.OpCreate, After: o} }
	remove := func(o model.Object) model.Step { return model.Step{Op: model.OpDelete, Before: o} }
	update := func(a, b model.Object) model.Step {
		return model.Step{Op: model.OpUpdate, Before: a, After: b}
	}
	for _, tc := range []struct {
		name string
		step model.Step
		want []model.Step
	}{
		{"create", create(br), []model.Step{remove(br)}},
		{"update", update(down, br), []model.Step{update(br, down)}},
		{
			"delete with what went along", model.Step{Op: model.OpDelete, Before: br, Along: &model.Along{Lost: []model.Object{address}, Released: []model.Object{port}}},
			[]model.Step{create(br), create(address), update(free, port)},
		},
		{
			"create of what others depend on by now", model.Step{Op: model.OpCreate, After: address, Along: &model.Along{Restore: []model.Object{br}}},
			[]model.Step{remove(address), create(br)},
		},
		{"sysctl that the tool set before", update(sysctl("0", "7"), sysctl("1", "7")), []model.Step{update(sysctl("1", "7"), sysctl("0", "7"))}},
		{"sysctl set for the first time", update(sysctl("0", ""), sysctl("1", "")), []model.Step{remove(sysctl("1", "0"))}},
		{"sysctl given back", remove(sysctl("1", "0")), []model.Step{create(sysctl("1", "0"))}},
		{
			"sysctl of nobody that went along", model.Step{Op: model.OpDelete, Before: br, Along: &model.Along{Lost: []model.Object{sysctl("2", "")}}},
			[]model.Step{create(br), create(sysctl("2", "")), remove(sysctl("2", "2"))},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := apply.Inverse(tc.step)
			if len(got) != len(tc.want) {
				t.Fatalf("%d steps, want %d: %+v", len(got), len(tc.want), got)
			}
			for i := range got {
				if got[i].Op != tc.want[i].Op || got[i].Before != tc.want[i].Before || got[i].After != tc.want[i].After {
					t.Errorf("step %d:\n%+v\nwant\n%+v", i, got[i], tc.want[i])
				}
			}
		})
	}
}

// script is a kernel that fails as it is told, and notes what it was asked.
type script struct {
	asked []string
	fail  map[string]error // by "op key"
}

func (s *script) Do(_ context.Context, steps []model.Step) []error {
	errs := make([]error, len(steps))
	for i, x := range steps {
		name := x.Op.String() + " " + x.Key().Label()
		s.asked = append(s.asked, name)
		errs[i] = s.fail[name]
	}
	return errs
}

func link(name string) model.Link { return model.Link{Name: name} }

func TestRun(t *testing.T) {
	plan := &diff.Plan{
		Steps: []model.Step{
			{Op: model.OpCreate, After: link("a")},
			{Op: model.OpUpdate, Before: link("b"), After: link("b")},
			{Op: model.OpDelete, Before: link("c")},
		},
		Changes: []diff.Change{{Action: diff.Update, Before: link("b"), After: link("b"), Source: "t.yaml:7"}},
	}
	all := []string{"create a", "update b", "delete c"}
	for _, tc := range []struct {
		name  string
		fail  map[string]error
		asked []string
		want  string // the whole message; "": no error
		stuck int
	}{
		{"all is well", nil, all, "", 0},
		{
			"the first fails", map[string]error{"create a": syscall.EEXIST}, append(all, "create c", "update b"),
			"file exists\nthe 2 steps before it were rolled back", 0,
		},
		{
			"an update of a link may be half done", map[string]error{"update b": syscall.EIO}, append(all, "update b", "create c", "delete a", "update b"),
			"t.yaml:7: input/output error\nthe roll-back is incomplete, look at the host:\nundo: input/output error", 1,
		},
		{
			"an update of a link that is gone is not", map[string]error{"update b": syscall.ENODEV}, append(all, "create c", "delete a"),
			"t.yaml:7: no such device\nthe 2 steps before it were rolled back", 0,
		},
		{
			"the roll-back goes on", map[string]error{"delete c": syscall.EBUSY, "delete a": syscall.EPERM}, append(all, "update b", "delete a", "delete a"),
			"device or resource busy\nthe roll-back is incomplete, look at the host:\nundo: operation not permitted", 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := &script{fail: tc.fail}
			err := apply.Run(context.Background(), k, plan)
			if d := cmp.Diff(tc.asked, k.asked); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			if tc.want == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			var f *apply.Failure
			if !errors.As(err, &f) || err.Error() != tc.want || len(f.Stuck) != tc.stuck {
				t.Errorf("error %q, want %q", err, tc.want)
			}
		})
	}
}

// countdown is a context that ends when it was asked so many times.
type countdown struct {
	context.Context
	left *int
}

func (c countdown) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A cancelled run is rolled back although its context has ended.
func TestRunCancelled(t *testing.T) {
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		if len(p.Steps) < 2 {
			return
		}
		k := s.host.Clone()
		left := len(p.Steps) / 2
		err := apply.Run(countdown{context.Background(), &left}, k, p)
		var f *apply.Failure
		if !errors.As(err, &f) || !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		asBefore(t, "cancelled", s.host, k, f.Stuck)
	})
}
