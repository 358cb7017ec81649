package export

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// printable escapes what would break a line, a comment or a terminal: names of links,
// namespaces and sysctls may hold nearly any byte.
func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		s = s[n:]
	}
	return b.String()
}

// routeText names a route as "ip route" prints it.
func routeText(r model.Route) string {
	s := r.Key().Label()
	if via := r.Via.Value(); via.IsValid() {
		s += " via " + via.String()
	}
	if dev := r.Dev.Value(); dev != "" {
		s += " dev " + dev
	}
	if hops := r.NextHops.Value(); hops != "" {
		s += " " + hops
	}
	return "route " + s
}

// isDecimal says whether a text is a number that every reader of YAML takes for the same.
func isDecimal(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// counted is "1 peer", "2 peers".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// place is where in the file something is, which nobody gets to see as it was read.
var place = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`,? at export:[0-9]+(:[0-9]+)?`) })

// placeless is a problem's message without places.
func placeless(s string) string { return place().ReplaceAllString(s, "") }
