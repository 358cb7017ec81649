package render

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

type object = map[string]any

// ProblemsSARIF writes problems as SARIF 2.1.0, with all codes as rules.
func ProblemsSARIF(w io.Writer, problems []spec.Problem, dir, version string) error {
	rules, index := []object{}, map[string]int{}
	for i, p := range spec.Pages() {
		index[p.Code] = i
		l := level(spec.Problem{Warning: p.Warning()})
		rules = append(rules, object{
			"id": p.Code, "shortDescription": object{"text": p.Title}, "fullDescription": object{"text": p.Text},
			"helpUri": pagesURL + "#" + strings.ToLower(p.Code), "defaultConfiguration": object{"level": l},
		})
	}
	results := []object{}
	prints := fingerprints(problems, dir)
	for i, p := range problems {
		results = append(results, object{
			"ruleId": p.Code, "ruleIndex": index[p.Code], "level": level(p), "message": object{"text": problemText(p)},
			"locations": []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": fileURI(problemPath(p.Pos.File, dir))},
				"region":           object{"startLine": max(1, p.Pos.Line), "startColumn": max(1, p.Pos.Column)},
			}}},
			"partialFingerprints": object{"problem/v1": prints[i]},
		})
	}
	driver := object{"name": "netplan-overlay", "informationUri": "https://github.com/netplan-overlay/netplan-overlay", "version": version, "rules": rules}
	return writeJSON(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}},
	})
}

// fileURI is a path as a URI, a relative one where the path is.
func fileURI(path string) string {
	u := url.URL{Path: path}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}
