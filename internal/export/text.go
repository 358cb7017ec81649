package export

import (
	"strconv"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// printable escapes what would break a line, a comment or a terminal: names of links,
// namespaces and sysctls may hold nearly any byte.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\uFFFD' || !strconv.IsPrint(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
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

// mentions says whether one of several next hops of a route leads out of a device.
func mentions(r model.Route, dev string) bool {
	return strings.Contains(" "+r.NextHops.Value()+" ", " dev "+dev+" ")
}

// isDecimal says whether a text is a number that every reader of YAML takes for the same.
func isDecimal(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == s
}
