package reconcile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// FuzzParsePlan looks for saved plans that make the reader panic, or who uses what it
// read; that it accepts although a bit of them was changed; or that are not the same
// when they are written again. The input is the document without the checksum before
// it, which the fuzzer could not guess; raw says that it is the file as it stands.
func FuzzParsePlan(f *testing.F) {
	b, err := json.Marshal(somePlan())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false, uint(17))
	f.Add(sealedPlan(b), true, uint(3))
	f.Add([]byte(`{"steps":[{"op":"create","after":{"kind":"route","object":{"dst":"10.0.0.0/8","via":"192.0.2.1","table":254}}}]}`), false, uint(90))
	f.Add([]byte(`{"steps":[{"op":"update","before":{"kind":"sysctl","object":{"name":"a","value":"1"}},"after":{"kind":"sysctl","object":{"name":"a","value":"0"}}}]}`), false, uint(900))
	f.Fuzz(func(t *testing.T, b []byte, raw bool, bit uint) {
		if !raw {
			b = sealedPlan(b)
		}
		p, err := reconcile.ParsePlan(bytes.NewReader(b))
		if (p == nil) == (err == nil) {
			t.Fatalf("a plan: %v, an error: %v", p != nil, err)
		}
		if err != nil {
			return
		}
		want := documentOf(t, p)
		again, err := reconcile.ParsePlan(bytes.NewReader(sealedPlan(want)))
		if err != nil {
			t.Fatalf("written again, it is none: %v", err)
		}
		if d := cmp.Diff(string(want), string(documentOf(t, again))); d != "" {
			t.Errorf("written again, it is another one (-want +got):\n%s", d)
		}
		for _, s := range p.Steps {
			apply.Inverse(s)
			if s.Op == model.OpUpdate {
				model.DiffAttrs(s.After, s.Before)
			}
		}
		changed := bytes.Clone(b)
		changed[bit/8%uint(len(b))] ^= 1 << (bit % 8)
		if _, err := reconcile.ParsePlan(bytes.NewReader(changed)); err == nil {
			t.Errorf("the changed bit %d goes unseen", bit)
		}
	})
}

// sealedPlan puts the first line before a document, as the writer does.
func sealedPlan(document []byte) []byte {
	return fmt.Appendf(nil, "netplan-overlay plan 1 %x\n%s\n", sha256.Sum256(document), document)
}

func documentOf(t *testing.T, p *reconcile.SavedPlan) []byte {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
