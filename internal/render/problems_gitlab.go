package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

type gitlabLines struct {
	Begin int `json:"begin"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

// ProblemsGitLab writes problems as a Code Quality report.
func ProblemsGitLab(w io.Writer, problems []spec.Problem, dir string) error {
	l := []gitlabIssue{}
	prints := fingerprints(problems, dir)
	for i, p := range problems {
		severity := "major"
		if p.Warning {
			severity = "minor"
		}
		l = append(l, gitlabIssue{problemText(p), p.Code, prints[i], severity,
			gitlabLocation{plain(problemPath(p.Pos.File, dir)), gitlabLines{max(1, p.Pos.Line)}}})
	}
	return writeJSON(w, l)
}

// fingerprints tells problems apart, the same ones wherever their lines are: of equal
// ones, the second one has another print.
func fingerprints(problems []spec.Problem, dir string) []string {
	lastPlace := regexp.MustCompile(` at [^ ]*:\d+$`) // where the other one is: that moves, too
	seen := map[string]int{}
	var l []string
	for _, p := range problems {
		id := fmt.Sprintf("%q", []string{p.Code, problemPath(p.Pos.File, dir), p.Path, lastPlace.ReplaceAllString(p.Message, "")})
		seen[id]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", id, seen[id]))
		l = append(l, hex.EncodeToString(sum[:16]))
	}
	return l
}
