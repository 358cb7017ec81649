package render

import (
	"fmt"
	"strings"
)

// svgStyle returns the style sheet of pictures: colours for a light screen, others for a
// dark one.
func svgStyle() string {
	var s strings.Builder
	s.WriteString(`text{font-family:"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;white-space:pre}
.t0{font-size:22px;font-weight:700}.t1{font-size:15px;font-weight:700}.t2{font-size:12px}
.t3,.t4{font-family:"DejaVu Sans Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:12px}.t3{font-weight:700}
.mid{text-anchor:middle}path{fill:none;stroke-width:1.5}.bus{stroke-width:3}.local,.m-delete,.w-delete{stroke-dasharray:5 3}
.chip,.card,.port,.under,.bridge,.local,.netns,.frame,.overlay,.router{stroke-width:1}
`)
	light := svgColours{page: "#ffffff", text: "#1f2328", soft: "#57606a", frame: "#f6f8fa", card: "#ffffff", head: "#eef1f4", box: "#f6f8fa", edge: "#afb8c1", wire: "#57606a", port: "#ddf4ff", carry: "#0969da", under: "#eaeef2", underLine: "#8c959f"}
	dark := svgColours{page: "#0d1117", text: "#e6edf3", soft: "#9198a1", frame: "#161b22", card: "#0d1117", head: "#21262d", box: "#161b22", edge: "#3d444d", wire: "#9198a1", port: "#0c2d6b", carry: "#58a6ff", under: "#21262d", underLine: "#6e7681"}
	s.WriteString(light.rules(mermaidColour))
	s.WriteString("@media (prefers-color-scheme:dark){\n")
	s.WriteString(dark.rules(darkColour))
	s.WriteString("}\n")
	return s.String()
}

// svgColours are those of a screen.
type svgColours struct {
	page, text, soft, frame, card, head, box, edge, wire, port, carry, under, underLine string
}

func (c svgColours) rules(mark func(Mark) colours) string {
	var s strings.Builder
	fmt.Fprintf(&s, ".page{fill:%s}text{fill:%s}.t2{fill:%s}\n", c.page, c.text, c.soft)
	for _, r := range [][3]string{
		{"frame", c.frame, c.edge}, {"card", c.card, c.edge}, {"chip", c.card, c.edge}, {"port", c.port, c.carry}, {"overlay", c.port, c.carry},
		{"under", c.under, c.underLine}, {"router", c.under, c.underLine}, {"bridge", c.box, c.wire}, {"local", c.box, c.wire}, {"netns", c.card, c.edge},
	} {
		fmt.Fprintf(&s, ".%s{fill:%s;stroke:%s}", r[0], r[1], r[2])
	}
	fmt.Fprintf(&s, "\n.head{fill:%s}.overlay+text,.router+text{fill:%s}.wire{stroke:%s}.joint{fill:%s}.carry{stroke:%s}.under-line{stroke:%s}\n",
		c.head, c.text, c.wire, c.wire, c.carry, c.underLine)
	for _, m := range marks() {
		x := mark(m)
		fmt.Fprintf(&s, ".m-%[1]s{stroke:%[3]s;stroke-width:2}.m-%[1]s:not(.card){fill:%[2]s}.w-%[1]s{stroke:%[3]s;stroke-width:2.5}.b-%[1]s{fill:%[2]s;stroke:%[3]s;stroke-width:2}.x-%[1]s{fill:%[3]s}\n",
			m, x.fill, x.line)
	}
	return s.String()
}
