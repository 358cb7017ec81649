package snapshot

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// What is accepted reads the same when it is written again, can be looked at, and can be
// redacted.
func FuzzParse(f *testing.F) {
	for i := range uint64(3) {
		var b bytes.Buffer
		if err := sample(rand.New(rand.NewPCG(i, 1))).Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"kind":"netplan-overlay snapshot","format_version":"1.0"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(bytes.NewReader(data))
		if err != nil {
			return
		}
		once := text(t, s)
		again, err := Parse(bytes.NewReader([]byte(once)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(once, text(t, again)); d != "" {
			t.Fatal(d)
		}
		if _, err := observe.State(t.Context(), s.Host(identity), observe.Scope{Identity: identity}); err != nil {
			return // it does not have all that is asked
		}
		out, err := s.Redact([]byte("x"))
		if err != nil {
			return
		}
		if _, err := Parse(bytes.NewReader([]byte(text(t, out)))); err != nil {
			t.Fatal(err)
		}
	})
}
