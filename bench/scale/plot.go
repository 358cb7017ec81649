package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
)

// The plot has two panels, of vxlan and host-gw, with the same axes: the number of peers
// and the time, both logarithmic.
const (
	panelWidth  = 400
	panelHeight = 340
	panelLeft   = 62
	panelTop    = 48
	panelGap    = 46
	legendRow   = 20
)

// curve is a way that is drawn.
type curve struct{ way, name, colour string }

// curves are drawn in this order. The colours are told apart by people who see few, too
// (Okabe and Ito).
func curves() []curve {
	return []curve{
		{"floor", "the floor (C, prebuilt messages)", "#000000"},
		{"apply", "netplan-overlay apply", "#0072b2"},
		{"plan", "netplan-overlay plan, nothing to do", "#56b4e9"},
		{"ip -batch", "ip -batch and bridge -batch", "#d55e00"},
		{"ip -batch, no metrics", "ip -batch, all routes of one metric", "#e69f00"},
		{"library", "a library call an object", "#009e73"},
		{"systemd-networkd", "systemd-networkd", "#cc79a7"},
		{"netplan", "netplan", "#8a5a44"},
		{"ifupdown2", "ifupdown2", "#777777"},
	}
}

// scale maps a value to a place on an axis between two powers.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// plot draws the time over the number of peers.
func (r *results) plot() string {
	parts := []string{"vxlan", "host-gw"}
	low, high := r.range10(parts)
	var b strings.Builder
	all := slices.DeleteFunc(curves(), func(c curve) bool {
		return !slices.ContainsFunc(r.Series, func(s *series) bool { return s.Way == c.way && slices.Contains(parts, s.Part) })
	})
	height := panelTop + panelHeight + 56 + legendRow*((len(all)+1)/2)
	width := panelLeft + 2*panelWidth + panelGap + 20
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>Time over the number of peers</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n")
	for i, part := range parts {
		left := float64(panelLeft + i*(panelWidth+panelGap))
		x := scale{math.Log10(900), math.Log10(56_000), left, left + panelWidth}
		y := scale{low, high, panelTop + panelHeight, panelTop}
		frame(&b, part, x, y)
		for _, c := range all {
			r.draw(&b, part, c, x, y)
		}
	}
	for i, c := range all {
		x, y := panelLeft+(i%2)*(panelWidth+panelGap), panelTop+panelHeight+58+i/2*legendRow
		fmt.Fprintf(&b, `<path d="M%d %dh26" stroke="%s" stroke-width="2.5"/><text x="%d" y="%d">%s</text>`+"\n", x, y-4, c.colour, x+34, y, html.EscapeString(c.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// range10 are the powers of ten of milliseconds between which all times are.
func (r *results) range10(parts []string) (low, high float64) {
	low, high = 1, 2
	for _, part := range parts {
		for _, n := range r.sizes(part) {
			for _, c := range curves() {
				if d := r.get(part, n, c.way).time(); d > 0 {
					low, high = min(low, math.Floor(math.Log10(ms(d)))), max(high, math.Ceil(math.Log10(ms(d))))
				}
			}
		}
	}
	return low, high
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// frame draws a panel's axes.
func frame(b *strings.Builder, part string, x, y scale) {
	fmt.Fprintf(b, `<text x="%.0f" y="28" font-size="15" font-weight="bold">%s</text>`+"\n", x.from, part)
	for p := y.low; p <= y.high; p++ {
		v := math.Pow(10, p)
		label := fmt.Sprintf("%g ms", v)
		if v >= 1000 {
			label = fmt.Sprintf("%g s", v/1000)
		}
		fmt.Fprintf(b, `<path d="M%.0f %.1fH%.0f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end" fill="#555">%s</text>`+"\n",
			x.from, y.at(v), x.to, x.from-6, y.at(v)+4, label)
	}
	for _, n := range []int{1000, 5000, 10_000, 50_000} {
		at := x.at(float64(n))
		fmt.Fprintf(b, `<path d="M%.1f %.0fV%.0f" stroke="#ddd"/><text x="%.1f" y="%.0f" text-anchor="middle" fill="#555">%s</text>`+"\n",
			at, y.from, y.to, at, y.from+18, number(n))
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" text-anchor="middle" fill="#555">peers</text>`+"\n", (x.from+x.to)/2, y.from+36)
}

// draw draws a curve, with a dot for each size.
func (r *results) draw(b *strings.Builder, part string, c curve, x, y scale) {
	var points []string
	for _, n := range r.sizes(part) {
		d := r.get(part, n, c.way).time()
		if d == 0 || float64(n) < math.Pow(10, x.low) || float64(n) > math.Pow(10, x.high) {
			continue
		}
		px, py := x.at(float64(n)), y.at(ms(d))
		points = append(points, fmt.Sprintf("%.1f,%.1f", px, py))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s, %s peers: %s ms</title></circle>`+"\n",
			px, py, c.colour, html.EscapeString(c.name), number(n), millis(d))
	}
	if len(points) > 1 {
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2.5"/>`+"\n", strings.Join(points, " "), c.colour)
	}
}
