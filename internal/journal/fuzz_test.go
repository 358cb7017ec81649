package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
)

// FuzzParse looks for journals that make the reader panic, that it accepts although a
// bit of them was changed, or that are not the same when they are written again. The
// input is the lines without their checksums, which the fuzzer could not guess; raw
// says that it is the file as it stands.
func FuzzParse(f *testing.F) {
	h, err := json.Marshal(header())
	if err != nil {
		f.Fatal(err)
	}
	for _, entries := range []string{"", `{"step":0,"await":"2026-01-02T03:04:05Z"}`, `{"step":0,"progress":"begun"}`, "{\"step\":0,\"progress\":\"begun\"}\n{\"step\":0,\"progress\":\"done\"}",
		`{"step":1,"steps":2,"progress":"begun"}`} {
		lines := fmt.Appendf(nil, "%s\n%s", h, entries)
		f.Add(bytes.TrimSuffix(lines, []byte("\n")), false, uint(17))
	}
	f.Add(sealed(h), true, uint(3))
	f.Add([]byte(`{"format":2,"steps":[{"op":"create","fdb":{"link":"v","mac":"02:00:00:00:00:01","dst":"10.0.0.1"}},{"op":"delete","fdb":{"dst":null}},`+
		`{"op":"create","route":{"dst":"10.1.0.0/16","table":254,"via":"10.1.0.0"}},{"op":"create","route":{"metric":3}}]}`), false, uint(5))
	f.Fuzz(func(t *testing.T, b []byte, raw bool, bit uint) {
		if !raw {
			b = sealed(bytes.Split(b, []byte("\n"))...)
		}
		r, err := journal.Parse(bytes.NewReader(b))
		if (r == nil) == (err == nil) {
			t.Fatalf("a journal: %v, an error: %v", r != nil, err)
		}
		if err != nil {
			return
		}
		if len(r.Progress) != len(r.Steps) {
			t.Errorf("%d steps, progress of %d", len(r.Steps), len(r.Progress))
		}
		if d := cmp.Diff(told(t, r), told(t, parsed(t, rewritten(t, r)))); d != "" {
			t.Errorf("written again, it is another one (-want +got):\n%s", d)
		}
		changed := bytes.Clone(b)
		changed[bit/8%uint(len(b))] ^= 1 << (bit % 8)
		if got, err := journal.Parse(bytes.NewReader(changed)); err == nil && bytes.Count(changed, []byte("\n")) >= bytes.Count(b, []byte("\n")) {
			t.Errorf("the changed bit %d goes unseen: %+v", bit, got)
		}
	})
}

// sealed puts checksums before documents, as the writer does.
func sealed(documents ...[]byte) []byte {
	var b []byte
	for _, d := range documents {
		b = fmt.Appendf(b, "%08x %s\n", crc32.ChecksumIEEE(d), d)
	}
	return b
}

// rewritten is a journal that says the same.
func rewritten(t *testing.T, r *journal.Record) []byte {
	t.Helper()
	h, err := json.Marshal(r.Header)
	if err != nil {
		t.Fatal(err)
	}
	l := [][]byte{h}
	for i, p := range r.Progress {
		l = append(l, fmt.Appendf(nil, `{"step":%d,"progress":%q}`, i, p))
	}
	if r.Waiting() {
		until, err := json.Marshal(r.Until)
		if err != nil {
			t.Fatal(err)
		}
		l = append(l, fmt.Appendf(nil, `{"step":0,"await":%s}`, until))
	}
	return sealed(l...)
}

func parsed(t *testing.T, b []byte) *journal.Record {
	t.Helper()
	r, err := journal.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told is all that a journal says, as text.
func told(t *testing.T, r *journal.Record) string {
	t.Helper()
	h, err := json.Marshal(r.Header)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %v %v", h, r.Progress, r.Until)
}
