package render_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// Text that would be a request, an escape or an end of a quotation is text.
func TestManual(t *testing.T) {
	m := &render.Manual{
		Name: `x"y`, Section: 8, Version: "1", Summary: `a \fBtool`, Synopsis: []string{"x [flags]", ".so /etc/passwd"},
		Parts: []render.ManualPart{
			{Title: "description", Text: "First\nline.\n\nSecond \x1b[2J.\n\n  x --y\n\n  .z\n'after'\n"},
			{Title: "options", Terms: []render.ManualTerm{{Term: "--a \\", Text: ".b\n\nc\n\n  d\n"}}},
		},
		SeeAlso: []string{"x(8)", "y(5)"},
	}
	var b bytes.Buffer
	if err := render.WriteManual(&b, m); err != nil {
		t.Fatal(err)
	}
	want := `.TH "X\(dqY" 8 "" "netplan\-overlay 1"
.nh
.ad l
.SH NAME
x"y \- a \efBtool
.SH SYNOPSIS
.nf
x [flags]
\&.so /etc/passwd
.fi
.SH DESCRIPTION
First
line.
.PP
Second \ex1b[2J.
.PP
.nf
  x \-\-y

  .z
.fi
.PP
\&'after'
.SH OPTIONS
.TP
\fB\-\-a \e\fR
\&.b
.IP
c
.IP
.nf
  d
.fi
.SH SEE ALSO
x(8), y(5)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
