package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// caretText returns the text from the caret on.
func caretText(t *testing.T, p spec.Problem) string {
	t.Helper()
	lines := strings.Split(p.String(), "\n")
	if len(lines) != 3 {
		t.Fatalf("no line is shown:\n%s", p)
	}
	caret := []rune(lines[1])
	return string(caret[len([]rune(lines[2]))-1:])
}

// The caret is under the place, whatever ends the lines and however long they are.
func TestCaret(t *testing.T) {
	misspelt := strings.Replace(sound, "    interface: eth0", "    interfce: eth0", 1)
	for _, tc := range []struct{ name, text string }{
		{"LF", misspelt},
		{"CR LF", strings.ReplaceAll(misspelt, "\n", "\r\n")},
		{"CR", strings.ReplaceAll(misspelt, "\n", "\r")},
		{"LS in a comment", "# a\u2028# b\n" + misspelt},
		{"byte order mark", "\ufeff" + misspelt},
		{"letters of several bytes", strings.Replace(misspelt, "    interfce", `    "x-ü": {"ü𝛑ü": 1, 中: 文}`+"\n    interfce", 1)},
		{"a long line", strings.Replace(misspelt, "vm1:\n    address: 192.168.32.1\n    interfce: eth0\n", "vm1:\n    x-l: "+strings.Repeat("é", 300)+"\n    address: 192.168.32.1\n    interfce: eth0\n", 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := parse(tc.text)
			if len(problems) != 1 || caretText(t, problems[0]) != "interfce: eth0" {
				t.Errorf("problems are %v", problems)
			}
		})
	}
}

// Where a program wrote all in one line, each problem shows the piece of it around the
// place, and no more.
func TestOneLine(t *testing.T) {
	_, problems := parse(string(oneLine(500)))
	if len(problems) != 1000 {
		t.Fatalf("there are %d problems", len(problems))
	}
	for i := range 500 {
		p := problems[2*i+1]
		if want := fmt.Sprintf(`"addres":"192.168.%d.%d"}`, i/256, i%256); !strings.HasPrefix(caretText(t, p), want) {
			t.Fatalf("want the caret under %s:\n%s", want, p)
		}
		if n := len([]rune(p.Line)); n > 100 {
			t.Fatalf("%d characters are shown", n)
		}
	}
}

// Names may hold whatever a quoted text can; a terminal sees none of it.
func TestProblemTextIsPrintable(t *testing.T) {
	_, problems := parse(strings.Replace(sound, "  vm2:", `  "v\e[31m\u202em2":`, 1))
	if len(problems) == 0 {
		t.Fatal("there is no problem")
	}
	for _, p := range problems {
		if strings.ContainsAny(p.String(), "\x1b\u202e") {
			t.Errorf("%q has control characters", p.String())
		}
	}
}

// Tabs are refused where YAML refuses them: as indentation of blocks only.
func TestTabs(t *testing.T) {
	for _, text := range []string{
		"{\n\t\"apiVersion\": \"netplan-overlay/v1\",\n\t\"name\": \"n\",\n\t\"backend\": \"vxlan\",\n\t\"nodes\": {\n\t\t\"a\": {\"address\": \"192.0.2.1\"}\n\t}\n}\n",
		strings.Replace(sound, "interface: eth0", "interface:\teth0\t# a tab", 1),
		sound + "x-note: |\n  a\n  \tb\n",
	} {
		if top, problems := parse(text); top == nil {
			t.Errorf("%v", problems)
		}
	}
}
