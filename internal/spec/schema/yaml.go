package schema

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"
)

// maxFlow is how long a line of an example may get, before a map is written over several.
const maxFlow = 72

// yamlOf writes a JSON value as the YAML of a key with the value: on one line, if that
// is not too long.
func yamlOf(key string, value json.RawMessage) (string, error) {
	flow, err := flowOf(value)
	if line := joined(key, flow); err != nil || len(line) <= maxFlow || value[0] != '{' {
		return line, err
	}
	var b strings.Builder
	if key != "" {
		b.WriteString(key + ":\n")
	}
	err = eachMember(value, func(name string, value json.RawMessage) error {
		text, err := yamlOf(name, value)
		for line := range strings.Lines(text + "\n") {
			if key != "" {
				b.WriteString("  ")
			}
			b.WriteString(line)
		}
		return err
	})
	return strings.TrimSuffix(b.String(), "\n"), err
}

func joined(key, value string) string {
	if key == "" {
		return value
	}
	return key + ": " + value
}

// flowOf writes a JSON value as YAML on one line.
func flowOf(value json.RawMessage) (string, error) {
	switch value[0] {
	case '{':
		var l []string
		err := eachMember(value, func(name string, value json.RawMessage) error {
			text, err := flowOf(value)
			l = append(l, name+": "+text)
			return err
		})
		return "{" + strings.Join(l, ", ") + "}", err
	case '[':
		var items []json.RawMessage
		err := json.Unmarshal(value, &items)
		l := make([]string, len(items))
		for i, item := range items {
			if err == nil {
				l[i], err = flowOf(item)
			}
		}
		return "[" + strings.Join(l, ", ") + "]", err
	case '"':
		return scalarOf(value)
	}
	return string(value), nil
}

// plain is text that needs no quotes in YAML, whatever reads it.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]*$`) })

func scalarOf(value json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return "", err
	}
	if plain().MatchString(s) {
		return s, nil
	}
	return string(value), nil // a string of JSON is one of YAML
}
