package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// explainCode prints the page of a code. Of one that is not known, the error names those
// of the same hundred.
func explainCode(w io.Writer, code string, _ render.Options) error {
	code = strings.ToUpper(code)
	var near []string
	for _, p := range spec.Pages() {
		if p.Code == code {
			return render.ProblemPage(w, p)
		}
		if len(code) > 4 && strings.HasPrefix(p.Code, code[:4]) {
			near = append(near, p.Code)
		}
	}
	if len(near) == 0 {
		return fmt.Errorf("%q is no code of a problem; they are NPO and three digits, such as NPO103", code)
	}
	return fmt.Errorf("%q is no code of a problem; near it are %s", code, strings.Join(near, ", "))
}

// completeCode offers the codes to the shell.
func completeCode(begun string) []string {
	var l []string
	for _, p := range spec.Pages() {
		if strings.HasPrefix(p.Code, strings.ToUpper(begun)) {
			l = append(l, p.Code+"\t"+p.Title)
		}
	}
	return l
}
