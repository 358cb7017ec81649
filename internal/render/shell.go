package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shellLine writes a command for a POSIX shell. It is fit to be printed: of what does
// not print, nothing but line ends is left as it is.
func shellLine(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = shellWord(a)
	}
	return strings.Join(words, " ")
}

// shellWord quotes one argument where it isn't plainly safe. Names come from kernels,
// which take nearly any byte.
func shellWord(s string) string {
	if s != "" && strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	quoted := false // within single quotes, where nothing is special
	quote := func(on bool) {
		if on != quoted {
			b.WriteByte('\'')
			quoted = on
		}
	}
	for rest := s; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch c := rest[:n]; {
		case r == '\'':
			quote(false)
			b.WriteString(`\'`)
		case r == '\n' || unicode.IsPrint(r) && (r != utf8.RuneError || n > 1):
			quote(true)
			b.WriteString(c)
		default:
			quote(false)
			b.WriteString(shellBytes(c))
		}
		rest = rest[n:]
	}
	quote(false)
	if s == "" {
		return "''"
	}
	return b.String()
}

// unsafe says whether a shell may take a character for something else than itself.
func unsafe(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("_@%+=:,./-", r)
}

// shellBytes lets the shell make bytes that do not print; it would take the line ends
// at the end away.
func shellBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%03o`, s[i])
	}
	return `"$(printf '` + b.String() + `')"`
}
