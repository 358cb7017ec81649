package spec

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	yamlLine      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: line (\d+): `) })
	unknownAnchor = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^unknown anchor '(.+)' referenced`) })

	// parserMessages begin the errors of yaml.v3's parser, whose lines it counts from
	// 0; its scanner's are counted from 1 (yaml_parser_fetch... and parser.fail).
	parserMessages = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^did not find expected (<|node content|'-'|key|',')`)
	})
)

// syntax tells an error of yaml.v3's, or the tab that it most likely comes of.
func (d *decoder) syntax(s Source, err error) {
	lines := linesOf(s.Data)
	message := err.Error()
	pos := Pos{File: s.Name, Line: 1, Column: 1}
	if m := yamlLine().FindStringSubmatch(message); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits only
		message = message[len(m[0]):]
		if parserMessages().MatchString(message) {
			line++
		}
		pos.Line = max(1, min(line, len(lines)))
		if tab, ok := tabNear(pos, lines); ok {
			d.at(codeTab, tab, "a tab indents this line; YAML wants spaces")
			return
		}
	} else {
		message = strings.TrimPrefix(message, "yaml: ")
		pos = placeOf(message, pos, lines)
	}
	d.at(codeNotYAML, pos, "not readable as YAML: %s", message)
}

// tabNear finds a tab that indents a line around a place.
func tabNear(pos Pos, lines [][]byte) (Pos, bool) {
	for i := max(1, pos.Line-1); i <= min(pos.Line+1, len(lines)); i++ {
		line := lines[i-1]
		text := bytes.TrimLeft(line, " \t")
		tab := bytes.IndexByte(line[:len(line)-len(text)], '\t')
		if tab >= 0 && len(text) > 0 {
			return Pos{File: pos.File, Line: i, Column: tab + 1}, true
		}
	}
	return pos, false
}

// placeOf finds what an error is about that yaml.v3 gives no line for; if it can't, it
// returns pos.
func placeOf(message string, pos Pos, lines [][]byte) Pos {
	find := func(line []byte) int { return bytes.IndexFunc(line, notInYAML) }
	if m := unknownAnchor().FindStringSubmatch(message); m != nil {
		find = func(line []byte) int { return bytes.Index(line, []byte("*"+m[1])) }
	}
	for i, line := range lines {
		if at := find(line); at >= 0 {
			return Pos{File: pos.File, Line: i + 1, Column: 1 + utf8.RuneCount(line[:at])}
		}
	}
	return pos
}

// notInYAML says whether a character must not stand in a YAML file (YAML 1.1, 5.1).
func notInYAML(r rune) bool {
	return r < ' ' && r != '\t' || r == 0x7f || r > 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}
