package render_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

func TestExpansion(t *testing.T) {
	for _, tt := range []struct{ name, topology, node string }{
		{"classic", classic, "vm1"},
		{"dual-stack", dualStack, "vm1"},
		{"per-peer", rewrite(t, classic, "{type: vxlan, vni: 1, port: 8472}", "{type: ipip, mode: per-peer}"), "vm1"},
		{"host-gw", rewrite(t, classic, "{type: vxlan, vni: 1, port: 8472}", "host-gw"), "vm2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := wantedBy(t, tt.topology, tt.node)
			var text, document bytes.Buffer
			if err := render.Expansion(&text, header(tt.name, tt.node), x, render.Options{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "expansion-"+tt.name+".txt", text.String())
			if err := render.ExpansionJSON(&document, header(tt.name, tt.node), x); err != nil {
				t.Fatal(err)
			}
			golden(t, "expansion-"+tt.name+".json", document.String())
		})
	}
}

// Every object and derived value is told, whatever the number of peers.
func TestExpansionJSONReads(t *testing.T) {
	x := wantedBy(t, fleet(100), "n1")
	x.Warnings = []string{"beware"}
	var b bytes.Buffer
	if err := render.ExpansionJSON(&b, header("fleet", "n1"), x); err != nil {
		t.Fatal(err)
	}
	var d struct {
		FormatVersion string `json:"format_version"`
		Topology      string `json:"topology"`
		Node          string `json:"node"`
		Objects       []struct {
			Kind, Namespace, Name, Intent, Source string
			Reference                             bool
			Attributes                            map[string]string
		} `json:"objects"`
		Derived []struct {
			Path, Value, Reason string
		} `json:"derived"`
		Warnings []string `json:"warnings"`
	}
	strict(t, b.Bytes(), &d)
	if len(d.Objects) != x.State.Len() || len(d.Derived) != len(x.Derived) {
		t.Errorf("%d objects and %d derived values, want %d and %d", len(d.Objects), len(d.Derived), x.State.Len(), len(x.Derived))
	}
	if diff := cmp.Diff(x.Warnings, d.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	references := 0
	for _, o := range d.Objects {
		if o.Kind == "" || o.Name == "" || o.Intent == "" || o.Source == "" || o.Attributes == nil {
			t.Errorf("something is missing: %+v", o)
		}
		if o.Reference {
			references++
		}
	}
	if references != 1 {
		t.Errorf("%d references, want the underlay device alone", references)
	}
}

// host is one that has objects of every owner.
func everyOwner(t *testing.T) *model.State {
	s := guests(t)
	put := func(o model.Object, owner model.Owner, maker string) {
		s.Put(model.Entry{Object: o, Owner: owner, Maker: maker})
	}
	put(model.Link{Name: "vxlan9", Type: model.Some(model.TypeVXLAN), Group: model.Some(model.MarkGroup)}, model.OwnerHalf, "")
	put(model.Netns{Name: "lab"}, model.OwnerOther, "netplan-overlay topology lab/x")
	put(model.Netns{Name: "docker"}, model.OwnerForeign, "")
	put(model.Sysctl{Name: "net.ipv6.conf.all.forwarding", Value: model.Some("0")}, model.OwnerShared, "")
	put(model.Route{Dst: prefix("192.168.32.0/24"), Table: model.TableMain, Dev: model.Some("eth0"), Type: model.Some("unicast")}, model.OwnerKernel, "the kernel")
	for i := range 40 {
		put(model.Route{
			Dst: prefix("10.0.0.0/8"), Table: model.TableMain, Metric: uint32(100 + i), Type: model.Some("unicast"), Dev: model.Some("eth0"),
		}, model.OwnerForeign, "bird")
	}
	return s
}

func TestObservation(t *testing.T) {
	for name, s := range map[string]*model.State{"bare": bare(), "owners": everyOwner(t), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			var text, document bytes.Buffer
			if err := render.Observation(&text, header("classic", "vm1"), s, render.Options{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "observation-"+name+".txt", text.String())
			if err := render.ObservationJSON(&document, header("classic", "vm1"), s); err != nil {
				t.Fatal(err)
			}
			if name != "owners" {
				golden(t, "observation-"+name+".json", document.String())
			}
			var d struct {
				FormatVersion string `json:"format_version"`
				Topology      string `json:"topology"`
				Node          string `json:"node"`
				Objects       []struct {
					Kind, Namespace, Name, Owner, Maker string
					Attributes                          map[string]string
				} `json:"objects"`
			}
			strict(t, document.Bytes(), &d)
			if d.Objects == nil || len(d.Objects) != s.Len() {
				t.Errorf("%d objects, want %d and no null", len(d.Objects), s.Len())
			}
			i := 0
			for e := range s.All() {
				if got := d.Objects[i]; got.Owner != e.Owner.String() || got.Name != e.Object.Key().Label() || got.Kind != e.Object.Key().Kind.String() {
					t.Errorf("object %d is %+v, want %s", i, got, e.Object.Key())
				}
				i++
			}
		})
	}
}
