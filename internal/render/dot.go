package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// DOT writes a drawing in Graphviz's language. Nothing that comes from outside is used
// as an identifier.
func DOT(w io.Writer, d *Drawing) error {
	g := &dot{drawing: d, ids: map[string]string{}, inside: map[string]string{}, used: map[Mark]bool{}}
	g.write()
	return g.writeTo(w)
}

// dot is a drawing on its way to DOT.
type dot struct {
	page
	drawing *Drawing
	indent  string
	ids     map[string]string // of hosts' clusters, by name
	inside  map[string]string // of a box in each of these, and of peers without
	used    map[Mark]bool
	edges   []string // within a cluster, an edge would pull its ends in
	count   int
}

func (g *dot) write() {
	g.line(`graph {`)
	g.indent = "  "
	g.line(`graph [label=%s, labelloc=t, fontname="Helvetica", fontsize=18, rankdir=LR, compound=true, newrank=true, bgcolor="white"]`,
		dotText(joined("\n", append([]string{g.drawing.Title}, g.drawing.Notes...)...)))
	g.line(`node [shape=box, style="filled", fillcolor="white", color="#57606a", fontname="Helvetica", fontsize=11]`)
	g.line(`edge [color="#57606a", fontname="Helvetica", fontsize=10]`)
	if len(g.drawing.Carrier) > 0 {
		g.line(`overlay [label=%s, shape=box, style="filled,rounded", fillcolor="#ddf4ff", color="#0969da", penwidth=2]`, dotText(strings.Join(g.drawing.Carrier, "\n")))
	}
	g.links()
	g.wires()
	for _, e := range g.edges {
		g.line("%s", e)
	}
	g.legend()
	g.indent = ""
	g.line(`}`)
}

// line writes a line; its arguments are quoted or made here.
func (g *dot) line(format string, args ...any) {
	fmt.Fprintf(&g.buf, g.indent+format+"\n", args...)
}

func (g *dot) id(kind string) string {
	g.count++
	return kind + strconv.Itoa(g.count)
}

// group writes a cluster.
func (g *dot) group(label, attributes string, inside func()) string {
	id := g.id("cluster")
	g.line(`subgraph %s {`, id)
	g.indent += "  "
	g.line(`graph [label=%s, %s]`, label, attributes)
	inside()
	g.indent = g.indent[2:]
	g.line(`}`)
	return id
}

// node writes a box; attributes are those of one of which nothing becomes.
func (g *dot) node(id, label, attributes string, mark Mark) {
	if mark != 0 {
		g.used[mark] = true
		c := mermaidColour(mark)
		attributes += fmt.Sprintf(`, fillcolor="%s", color="%s", penwidth=2`, c.fill, c.line)
	}
	g.line(`%s [label=%s%s]`, id, label, attributes)
}

// edge joins two boxes.
func (g *dot) edge(from, to, text, attributes string, mark Mark) {
	if mark != 0 {
		g.used[mark] = true
		attributes += fmt.Sprintf(`, color="%s", penwidth=2.5`, mermaidColour(mark).line)
	}
	g.edges = append(g.edges, fmt.Sprintf(`%s -- %s [label=%s%s]`, from, to, dotText(joined(" ", mark.symbol(), text)), attributes))
}

// links writes the links of the underlay, and what joins them.
func (g *dot) links() {
	const dashed = `style="dashed", color="#8c959f", fontsize=11`
	if g.drawing.Routed {
		g.line(`router [label="router", shape=hexagon, fillcolor="#f6f8fa"]`)
	}
	for _, l := range g.drawing.Links {
		if len(l.Subnets) == 0 {
			g.hosts(l)
			continue
		}
		some := ""
		id := g.group(dotText(l.title()), dashed, func() { some = g.hosts(l) })
		if g.drawing.Routed && some != "" {
			g.edge("router", some, "", `, lhead="`+id+`", style=dashed`, 0)
		}
	}
}

// hosts writes the hosts of a link, and returns a box within.
func (g *dot) hosts(l *Link) string {
	some := ""
	for _, h := range l.Hosts {
		if id := g.host(h); some == "" {
			some = id
		}
	}
	if l.More > 0 {
		id := g.id("more")
		g.node(id, dotText(l.moreText()), `, style="dashed"`, 0)
		if some == "" {
			some = id
		}
	}
	return some
}

// host writes a host, and returns its first box.
func (g *dot) host(h *Host) string {
	attributes := `style="rounded", color="#8c959f", fontsize=13`
	if h.Mark != 0 {
		g.used[h.Mark] = true
		attributes = fmt.Sprintf(`style="rounded", color="%s", penwidth=2, fontsize=13`, mermaidColour(h.Mark).line)
	}
	port := ""
	title := joined("\n", append([]string{joined(" ", h.Mark.symbol(), h.Name)}, h.Underlay...)...)
	id := g.group(dotText(title), attributes, func() { port = g.content(h) })
	g.ids[h.Name], g.inside[h.Name] = id, port
	return port
}

// content writes what is in a host, and returns a box of it.
func (g *dot) content(h *Host) string {
	port := ""
	for _, e := range h.Endpoints {
		id := g.id("dev")
		g.node(id, g.label(e.Name, e.Lines, e.Mark), `, fillcolor="#ddf4ff", color="#0969da"`, e.Mark)
		g.join(id, h.jointOf(e))
		port = id
	}
	lines := g.drawing.about(h)
	if len(lines) > 0 || g.drawing.needsPort(h) {
		if len(lines) == 0 {
			lines = []Line{{Text: g.drawing.placeholder()}}
		}
		id := g.id("about")
		g.node(id, g.label("", lines, 0), `, style="filled,dashed"`, 0)
		switch {
		case port == "":
			port = id
			g.join(id, h.Joint)
		case len(g.drawing.Carrier) > 0:
			g.edges = append(g.edges, fmt.Sprintf("overlay -- %s [style=invis]", id)) // in line with the devices
		}
	}
	some := g.bridges(h, port)
	if port == "" {
		port = some
	}
	return port
}

// join ties a host to what joins the hosts.
func (g *dot) join(port string, mark Mark) {
	if len(g.drawing.Carrier) > 0 {
		g.edge("overlay", port, "", `, color="#0969da", penwidth=2.5`, mark)
	}
}

// bridges writes the bridges and the namespaces on them, and returns one of them.
func (g *dot) bridges(h *Host, port string) (some string) {
	ids := map[string]string{}
	for _, b := range h.Bridges {
		id, style, lines := g.id("br"), "", b.Lines
		ids[b.Name], some = id, id
		if b.Local {
			style, lines = `, style="filled,dashed"`, append([]Line{{Text: "local only"}}, lines...)
		}
		g.node(id, g.label(b.Name, lines, b.Mark), `, fillcolor="#f6f8fa"`+style, b.Mark)
		if !b.Local && len(g.drawing.Carrier) > 0 {
			g.edge(port, id, "", `, style=dotted`, 0)
		}
	}
	for _, n := range h.Namespaces {
		id := g.id("ns")
		some = id
		g.node(id, g.label(n.Name, n.lines(), n.Mark), `, style="filled,rounded"`, n.Mark)
		for _, i := range n.Interfaces {
			if b := ids[i.Bridge]; b != "" {
				g.edge(b, id, choose(len(n.Interfaces) > 1 || i.Mark != 0, i.Name, ""), "", i.Mark)
			}
		}
	}
	return some
}

// wires writes what becomes of the ways between two hosts.
func (g *dot) wires() {
	for _, w := range g.drawing.Wires {
		from, to, heads := g.inside[w.From], g.inside[w.To], fmt.Sprintf(`, ltail="%s"`, g.ids[w.From])
		if to == "" {
			to = g.id("peer")
			g.inside[w.To] = to
			g.node(to, dotText(w.To), `, style="filled,dashed"`, 0)
		} else if head := g.ids[w.To]; head != "" {
			heads += fmt.Sprintf(`, lhead="%s"`, head)
		}
		g.edge(from, to, w.Text, heads, w.Mark)
	}
}

// legend tells the marks that occur.
func (g *dot) legend() {
	if !g.drawing.Marked {
		return
	}
	g.group(`"legend"`, `style="rounded", color="#8c959f", fontsize=11`, func() {
		for _, x := range marks() {
			if g.used[x] {
				g.node(g.id("mark"), dotText(x.symbol()+" "+x.String()), "", x)
			}
		}
	})
}

// label writes a name and lines below it, each with its symbol.
func (g *dot) label(name string, lines []Line, mark Mark) string {
	var l []string
	if name != "" {
		l = append(l, joined(" ", mark.symbol(), name))
	}
	for _, x := range lines {
		g.used[x.Mark] = true
		l = append(l, joined(" ", x.Mark.symbol(), x.Text))
	}
	return dotText(strings.Join(l, "\n"))
}

// dotText quotes a text: a backslash begins an escape in labels, and "&" an entity,
// also within quotes.
func dotText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(clean(l))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
