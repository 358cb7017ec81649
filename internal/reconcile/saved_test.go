package reconcile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

func somePlan() *reconcile.SavedPlan {
	br := model.Link{Name: "br0", Type: model.Some("bridge")}
	return &reconcile.SavedPlan{Topology: "t", Node: "n", Root: 7, Steps: []model.Step{{Op: model.OpDelete, Before: br}}}
}

func TestPlanFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.plan")
	if err := reconcile.WritePlan(path, somePlan()); err != nil {
		t.Fatal(err)
	}
	got, err := reconcile.ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(somePlan(), got, cmpopts.IgnoreTypes(model.Step{})); d != "" || got.Steps[0].Key() != model.LinkKey("", "br0") {
		t.Errorf("it reads (-want +got):\n%s", d)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := reconcile.ParsePlan(bytes.NewReader(b[:n])); err == nil {
			t.Errorf("of %d bytes, it reads the first %d", len(b), n)
		}
		for bit := range 8 {
			c := bytes.Clone(b)
			c[n] ^= 1 << bit
			if _, err := reconcile.ParsePlan(bytes.NewReader(c)); err == nil {
				t.Errorf("the changed byte %d goes unseen", n)
			}
		}
	}
}
