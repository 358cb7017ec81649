package render

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// FormatVersion is that of all JSON output: the first number changes when a reader
// of the old form would misread the new one.
const FormatVersion = "1.0"

// objectName names an object.
type objectName struct {
	Kind      model.Kind `json:"kind"`
	Namespace string     `json:"namespace"` // "": the host's own
	Name      string     `json:"name"`
}

func nameOf(o model.Object) objectName {
	k := o.Key()
	return objectName{k.Kind, k.Netns, k.Label()}
}

// objectDocument is an object with what is specified of it, in iproute2's words.
type objectDocument struct {
	objectName
	Attributes map[string]string `json:"attributes"`
}

func objectOf(o model.Object) objectDocument {
	d := objectDocument{objectName: nameOf(o), Attributes: map[string]string{}}
	for _, a := range o.Attrs() {
		d.Attributes[a.Name] = attrWord(d.Kind, a.Name, a.Value)
	}
	return d
}

// writeJSON writes a document with indentation, so that it can be read and compared
// line by line.
func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
