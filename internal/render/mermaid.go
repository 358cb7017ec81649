package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What GitHub, GitLab and Mermaid itself take by default (config.schema.json: maxTextSize,
// maxEdges), less something for what is added around.
const (
	maxMermaidText  = 50_000 - 2_000 // characters
	maxMermaidEdges = 500 - 10
	maxLabel        = 100 // characters of a line
)

// ChangeGraph writes what plans change as a Mermaid flowchart, without fences: each host
// that changes with its bridges, namespaces and devices, in colours and symbols, and a
// legend. There are about max boxes (0: 40), and never more text or lines than GitHub
// takes. It writes nothing where nothing changes.
func ChangeGraph(w io.Writer, plans []NodePlan, max int) error {
	if max <= 0 {
		max = 40
	}
	for {
		d := ChangesOf(plans, max)
		if d.Hosts() == 0 {
			return nil
		}
		m := newMermaid(d)
		if m.fits() || max == 1 {
			return m.writeTo(w)
		}
		max /= 2
	}
}

// Mermaid writes a drawing as a Mermaid flowchart, with as many hosts as GitHub takes.
func Mermaid(w io.Writer, d *Drawing) error {
	m := newMermaid(d)
	for n := d.Hosts() / 2; n > 0 && !m.fits(); n /= 2 {
		m = newMermaid(d.Fold(n))
	}
	return m.writeTo(w)
}

// mermaid is a drawing on its way to Mermaid. Nothing that comes from outside is used as
// an identifier.
type mermaid struct {
	page
	drawing *Drawing
	indent  string
	edges   []mermaidEdge     // in order; within a group, an edge would pull its ends in
	used    map[Mark]bool     // marks
	ids     map[string]string // of hosts, by name
	count   int
}

// mermaidEdge is an edge that is to be written.
type mermaidEdge struct {
	text string
	mark Mark
}

// newMermaid writes a drawing.
func newMermaid(d *Drawing) *mermaid {
	m := &mermaid{drawing: d, ids: map[string]string{}, used: map[Mark]bool{}}
	m.write()
	return m
}

// fits says whether others take it.
func (m *mermaid) fits() bool {
	return m.buf.Len() <= maxMermaidText && len(m.edges) <= maxMermaidEdges
}

func (m *mermaid) write() {
	m.line("flowchart LR")
	m.indent = "  "
	m.carrier()
	m.links()
	m.wires()
	for _, e := range m.edges {
		m.line("%s", e.text)
	}
	m.legend()
	m.styles()
}

// line writes a line; its arguments are escaped or made here.
func (m *mermaid) line(format string, args ...any) {
	fmt.Fprintf(&m.buf, m.indent+format+"\n", args...)
}

func (m *mermaid) id(kind string) string {
	m.count++
	return kind + strconv.Itoa(m.count)
}

// group writes a subgraph.
func (m *mermaid) group(id, title string, mark Mark, inside func()) {
	m.line(`subgraph %s["%s"]`, id, title)
	indent := m.indent
	m.indent += "  "
	inside()
	m.indent = indent
	m.line("end")
	m.frame(id, mark)
}

// frame gives a group its colour. Classes are lost on groups that lines lead to.
func (m *mermaid) frame(id string, mark Mark) {
	m.used[mark] = true
	if mark != 0 {
		m.line("style %s fill:transparent,stroke:%s,stroke-width:2px", id, mermaidColour(mark).line)
	} else {
		m.line("style %s fill:transparent,stroke:#8c959f", id)
	}
}

// node writes a box of a shape, such as "[]"; class "" is none.
func (m *mermaid) node(id, shape, text, class string, mark Mark) {
	if mark != 0 {
		m.used[mark], class = true, mark.String()
	}
	if class != "" {
		class = ":::" + class
	}
	half := len(shape) / 2
	m.line(`%s%s"%s"%s%s`, id, shape[:half], text, shape[half:], class)
}

// edge joins two boxes; text may be "".
func (m *mermaid) edge(from, how, to, text string, mark Mark) {
	m.used[mark] = true
	if text != "" {
		text = `|"` + text + `"|`
	}
	m.edges = append(m.edges, mermaidEdge{fmt.Sprintf("%s %s%s %s", from, how, text, to), mark})
}

func (m *mermaid) carrier() {
	if len(m.drawing.Carrier) > 0 {
		m.node("overlay", "([])", mermaidText(m.drawing.Title+": "+strings.Join(m.drawing.Carrier, ", ")), "overlay", 0)
	}
	if m.drawing.Routed {
		m.node("router", "{{}}", "router", "underlay", 0)
	}
}

// links writes the links of the underlay as groups of hosts; where there is nothing to
// say of a link, just the hosts.
func (m *mermaid) links() {
	for _, l := range m.drawing.Links {
		if len(l.Subnets) == 0 {
			m.hosts(l)
			continue
		}
		id := m.id("link")
		m.group(id, mermaidText(l.title()), 0, func() { m.hosts(l) })
		if m.drawing.Routed {
			m.edge("router", "---", id, "", 0)
		}
	}
}

func (m *mermaid) hosts(l *Link) {
	for _, h := range l.Hosts {
		m.host(h)
	}
	if l.More > 0 {
		m.node(m.id("more"), "[]", mermaidText(l.moreText()), "plain", 0)
	}
}

func (m *mermaid) host(h *Host) {
	id := m.id("host")
	m.ids["host "+h.Name] = id
	m.group(id, m.label(joined(" · ", append([]string{h.Name}, h.Underlay...)...), nil, h.Mark), h.Mark, func() {
		port := m.port(h)
		bridges := m.bridges(h, port)
		for _, n := range h.Namespaces {
			m.namespace(n, bridges)
		}
	})
}

// port writes what joins the host to the others, and what there is to say of the host,
// and returns the box that the host's bridges hang on.
func (m *mermaid) port(h *Host) string {
	lines := m.drawing.about(h)
	port := ""
	for _, e := range h.Endpoints {
		port = m.id("dev")
		m.node(port, "[]", m.label(e.Name, e.Lines, e.Mark), "overlay", e.Mark)
		m.join(port, h.jointOf(e))
	}
	if len(lines) > 0 || m.drawing.needsPort(h) {
		about := m.id("about")
		if len(lines) == 0 {
			lines = []Line{{Text: m.drawing.placeholder()}}
		}
		m.node(about, "[]", m.label("", lines, 0), "plain", 0)
		if port == "" {
			m.join(about, h.Joint)
			return about
		}
		if len(m.drawing.Carrier) > 0 {
			m.edge("overlay", "~~~", about, "", 0) // unseen: in line with the devices
		}
	}
	return port
}

// join ties a host to what joins the hosts.
func (m *mermaid) join(port string, mark Mark) {
	if len(m.drawing.Carrier) > 0 {
		m.edge("overlay", "===", port, mermaidText(mark.symbol()), mark)
	}
}

func (m *mermaid) bridges(h *Host, port string) map[string]string {
	ids := map[string]string{}
	for _, b := range h.Bridges {
		id := m.id("br")
		ids[b.Name] = id
		class, lines := "bridge", b.Lines
		if b.Local {
			class, lines = "local", append([]Line{{Text: "local only"}}, lines...)
		}
		m.node(id, "[]", m.label(b.Name, lines, b.Mark), class, b.Mark)
		if !b.Local && len(m.drawing.Carrier) > 0 {
			m.edge(port, "-.-", id, "", 0)
		}
	}
	return ids
}

// namespace writes a namespace with its interfaces as lines, and joins it to their
// bridges.
func (m *mermaid) namespace(n *Namespace, bridges map[string]string) {
	id := m.id("ns")
	m.node(id, "()", m.label(n.Name, n.lines(), n.Mark), "netns", n.Mark)
	for _, i := range n.Interfaces {
		if b := bridges[i.Bridge]; b != "" {
			text := ""
			if len(n.Interfaces) > 1 || i.Mark != 0 {
				text = mermaidText(joined(" ", i.Mark.symbol(), i.Name))
			}
			m.edge(b, "---", id, text, i.Mark)
		}
	}
}

// wires writes what becomes of the ways between two hosts.
func (m *mermaid) wires() {
	for _, w := range m.drawing.Wires {
		to := m.ids["host "+w.To]
		if to == "" {
			to = m.id("peer")
			m.ids["host "+w.To] = to
			m.node(to, "[]", mermaidText(w.To), "plain", 0)
		}
		m.edge(m.ids["host "+w.From], "---", to, mermaidText(joined(" ", w.Mark.symbol(), w.Text)), w.Mark)
	}
}

// legend tells the marks that occur.
func (m *mermaid) legend() {
	if !m.drawing.Marked {
		return
	}
	title := strings.Join(append([]string{"legend"}, m.drawing.Notes...), " · ")
	m.group("legend", mermaidText(title), 0, func() {
		if len(m.drawing.Carrier) > 0 {
			m.line("direction LR") // in a column, out of the way of what leads to the hosts
		}
		for _, x := range marks() {
			if m.used[x] {
				m.node(m.id("mark"), "[]", mermaidText(x.symbol()+" "+x.String()), "", x)
			}
		}
	})
}

// styles gives classes and edges their colours. Text is dark on light boxes, which is
// legible on a page in the dark, too.
func (m *mermaid) styles() {
	for _, c := range [][2]string{
		{"overlay", "fill:#ddf4ff,stroke:#0969da,color:#1f2328"},
		{"underlay", "fill:none,stroke:#8c959f,stroke-dasharray:4 3"},
		{"bridge", "fill:#f6f8fa,stroke:#57606a,color:#1f2328"},
		{"local", "fill:#f6f8fa,stroke:#57606a,stroke-dasharray:4 3,color:#1f2328"},
		{"netns", "fill:#ffffff,stroke:#57606a,color:#1f2328"},
		{"plain", "fill:none,stroke:#8c959f"},
	} {
		m.line("classDef %s %s", c[0], c[1])
	}
	for _, x := range marks() {
		if c := mermaidColour(x); m.used[x] {
			m.line("classDef %s fill:%s,stroke:%s,stroke-width:2px,color:#1f2328", x, c.fill, c.line)
		}
	}
	for i, e := range m.edges {
		if e.mark != 0 {
			m.line("linkStyle %d stroke:%s,stroke-width:3px", i, mermaidColour(e.mark).line)
		}
	}
}

// label writes a name and lines below it, each with its symbol.
func (m *mermaid) label(name string, lines []Line, mark Mark) string {
	var l []string
	if name != "" {
		l = append(l, mermaidText(joined(" ", mark.symbol(), name)))
	}
	for _, x := range lines {
		m.used[x.Mark] = true
		l = append(l, mermaidText(joined(" ", x.Mark.symbol(), x.Text)))
	}
	return strings.Join(l, "<br>")
}

// mermaidText makes text fit for a label in double quotes: what Mermaid, its Markdown or
// HTML could take for its own becomes an entity, which is shown as the character.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range cut(strings.TrimSpace(clean(s)), maxLabel) {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune(" .,:/-()", r) && b.Len() > 0, r > 0x7f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	// Mermaid takes the last ";" off what looks like a style (utils.encodeEntities).
	return strings.NewReplacer("style", "#115;tyle", "classDef", "#99;lassDef").Replace(b.String())
}
