package kernel

import (
	"fmt"
	"strings"
	"testing"
)

func TestDroppedIn(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       uint32
		err        string
	}{
		{"two processors", "01f8056c 00488468 00000487 00000000\n01c810ca 003ce37f 00000458 00000000\n", 0x00488468 + 0x003ce37f, ""},
		{"counters that have begun anew", "00000000 ffffffff 00000000\n00000000 00000002 00000000\n", 1, ""},
		{"none", "", 0, ""},
		{"an empty line", "00000001 00000002\n\n", 0, "is not a processor's line"},
		{"words", "processed dropped\n", 0, "invalid syntax"},
	} {
		got, err := droppedIn(c.text)
		if fmt.Sprint(err) == "<nil>" != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
		if err == nil && got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestDropped(t *testing.T) {
	before, err := Dropped()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := Dropped(); err != nil || after-before > 1<<31 {
		t.Errorf("%d packets dropped, and a moment later %d: %v", before, after, err)
	}
}
