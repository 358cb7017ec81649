package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// A number that is written as text is bounded by a pattern: it takes just the numbers that
// the bounds take, and the title tells the bounds.
func TestNumbers(t *testing.T) {
	text, _ := schema.Text(schema.TopologyName)
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(v any)
	walk = func(v any) {
		m, _ := v.(map[string]any)
		if most, ok := m["maximum"].(float64); ok {
			n++
			bounded(t, m["title"].(string), m["pattern"].(string), int(m["minimum"].(float64)), int(most))
		}
		for _, v := range m {
			walk(v)
		}
	}
	walk(doc)
	if n != 5 {
		t.Errorf("there are %d bounded numbers", n)
	}
}

func bounded(t *testing.T, title, pattern string, least, most int) {
	t.Helper()
	if want := fmt.Sprintf("a whole number from %d to %d", least, most); title != want {
		t.Errorf("the title is %q, want %q", title, want)
	}
	re := regexp.MustCompile(pattern)
	try := func(v int) {
		if got, want := re.MatchString(strconv.Itoa(v)), v >= least && v <= most; got != want {
			t.Errorf("%s: the pattern takes %d: %v", title, v, got)
		}
	}
	for v := range 20000 {
		try(v)
		try(most - 10000 + v)
		try(rand.IntN(2*most + 1))
	}
	for power := 1; power < 1e11; power *= 10 {
		for digit := 1; digit < 10; digit++ {
			try(digit * power)
			try(digit*power - 1)
		}
	}
	for _, s := range []string{"", "00", "01", "+1", "-1", "1 ", "1.0", "1e3", "0x10", strconv.Itoa(most) + "\n"} {
		if re.MatchString(s) {
			t.Errorf("%s: the pattern takes %q", title, s)
		}
	}
}
