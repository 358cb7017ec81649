package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// BenchmarkRun makes what a host with many peers has, with a journal, and takes it back
// when the last step fails. The steps alone are the floor, measured in turn.
func BenchmarkRun(b *testing.B) {
	for _, peers := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(peers), func(b *testing.B) {
			k := newReal(b)
			plan := &diff.Plan{Steps: peersOf(peers)}
			failing := &diff.Plan{Steps: append(slices.Clone(plan.Steps), model.Step{Op: model.OpCreate, After: model.Address{Link: "none"}})}
			var remove []model.Step
			for _, s := range slices.Backward(plan.Steps) {
				remove = append(remove, apply.Inverse(s)...)
			}
			var floor, run, undone []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				floor = append(floor, spent(b, func() { done(b, k.Do(b.Context(), plan.Steps)...) }))
				done(b, k.Do(b.Context(), remove)...)
				run = append(run, spent(b, func() { done(b, journaled(b, k, plan)) }))
				done(b, k.Do(b.Context(), remove)...)
				undone = append(undone, spent(b, func() {
					var f *apply.Failure
					if err := journaled(b, k, failing); !errors.As(err, &f) || len(f.Stuck) > 0 || f.Undone != len(plan.Steps) {
						b.Fatal(err)
					}
				}))
			}
			b.ReportMetric(float64(median(floor).Microseconds())/1000, "ms/steps")
			b.ReportMetric(float64(median(run))/float64(median(floor)), "run/steps")
			b.ReportMetric(float64(median(undone))/float64(median(floor)), "undone/steps")
		})
	}
}

// newReal makes a host with a vxlan device in a network namespace of its own.
func newReal(b *testing.B) *kernel.Host {
	b.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		b.Skipf("needs %v; run it as root", missing)
	}
	o := kernel.Options{Root: filepath.Join(b.TempDir(), "root")}
	if err := os.WriteFile(o.Root, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("unshare", "--net="+o.Root, "true").CombinedOutput(); err != nil {
		b.Fatalf("make a network namespace: %v: %s", err, out)
	}
	b.Cleanup(func() { _ = unix.Unmount(o.Root, unix.MNT_DETACH) })
	k, err := kernel.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { k.Close() })
	for _, o := range []model.Object{
		model.Link{
			Name: "vx0", Type: model.Some(model.TypeVXLAN), Up: model.Some(true),
			VXLAN: model.VXLAN{VNI: model.Some[uint32](7), Port: model.Some[uint16](8472)},
		},
		model.Address{Link: "vx0", Prefix: netip.MustParsePrefix("172.16.0.1/32")}, // without any, no gateway is valid
	} {
		done(b, k.Do(b.Context(), []model.Step{{Op: model.OpCreate, After: o}})...)
	}
	return k
}

// peersOf returns the steps that make the objects of n peers. The metrics differ, since
// the kernel would have them in one chain of its table of next hops.
func peersOf(n int) []model.Step {
	var l []model.Step
	for i := range n {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		mac := model.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}
		for _, o := range []model.Object{
			model.FDBEntry{Link: "vx0", MAC: mac, Dst: model.Some(netip.MustParseAddr("192.0.2.9"))},
			model.Neighbour{Link: "vx0", IP: ip, MAC: model.Some(mac), Protocol: model.Some(model.MarkProtocol)},
			model.Route{
				Dst: netip.PrefixFrom(ip, 24), Table: model.TableMain, Metric: uint32(1 + i%1024), Via: model.Some(ip), Dev: model.Some("vx0"),
				OnLink: model.Some(true), Protocol: model.Some(model.MarkProtocol),
			},
		} {
			l = append(l, model.Step{Op: model.OpCreate, After: o})
		}
	}
	return l
}

// journaled runs a plan with a journal.
func journaled(b *testing.B, k apply.Kernel, plan *diff.Plan) error {
	b.Helper()
	j, err := journal.Create(filepath.Join(b.TempDir(), "t@n"), journal.Header{Steps: plan.Steps})
	if err != nil {
		b.Fatal(err)
	}
	return errors.Join(apply.RunJournaled(context.Background(), k, plan, j), j.Remove())
}

func done(b *testing.B, errs ...error) {
	b.Helper()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		b.Fatal(errs[i])
	}
}

// spent returns what f takes of the processors, in the kernel, too.
func spent(b *testing.B, f func()) time.Duration {
	b.Helper()
	var from, to syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &from); err != nil {
		b.Fatal(err)
	}
	f()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &to); err != nil {
		b.Fatal(err)
	}
	return time.Duration(to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano())
}

func median(l []time.Duration) time.Duration {
	slices.Sort(l)
	return l[len(l)/2]
}
