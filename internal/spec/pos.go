package spec

import (
	"fmt"
	"strconv"
)

// String returns "file:line", or "" for nowhere.
func (p Pos) String() string {
	if p.File == "" {
		return ""
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Full returns "file:line:column".
func (p Pos) Full() string {
	if p.Column == 0 {
		return p.String()
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// before orders places within the files as they were given.
func (p Pos) before(o Pos) int {
	switch {
	case p.Line != o.Line:
		return p.Line - o.Line
	}
	return p.Column - o.Column
}
