package model_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The steps of a run read back as they were written, whatever the ones before them were.
func TestStepsOfARun(t *testing.T) {
	g := odd{rand.New(rand.NewPCG(3, 1))}
	pool := append(whole(), everyKind()...)
	for _, o := range pool {
		pool = append(pool, bare(o))
	}
	var w model.StepWriter
	var r model.StepReader
	var text strings.Builder
	short := 0
	for range 5000 {
		o := pool[g.IntN(len(pool))]
		s := []model.Step{
			{Op: model.OpCreate, After: o}, {Op: model.OpDelete, Before: o}, {Op: model.OpUpdate, Before: o, After: o},
			{Op: model.OpDelete, Before: o, Along: &model.Along{Lost: []model.Object{pool[0]}}}, {Op: model.OpDelete, Before: o, Along: &model.Along{Released: []model.Object{pool[1]}}},
			{Op: model.OpCreate, After: o, Along: &model.Along{Restore: []model.Object{pool[2]}}},
		}[g.IntN(6)]
		b, err := w.Append([]byte("x"), s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := r.Read(b[1:])
		if err != nil {
			t.Fatalf("%v: %s", err, b[1:])
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("%s became %+v, want %+v", b[1:], back, s)
		}
		if !strings.Contains(string(b), `"kind"`) {
			short++
		}
		text.Write(b)
	}
	if short < 500 {
		t.Errorf("only %d steps were short", short)
	}
	if !strings.Contains(text.String(), `:null`) {
		t.Error("nothing was open that had not been so before")
	}
}

// Like steps are written as what differs.
func TestShortSteps(t *testing.T) {
	r := whole()[len(whole())-1].(model.Route)
	other := r
	other.Metric, other.Src = 7, r.Via
	var w model.StepWriter
	for _, tc := range []struct {
		s    model.Step
		want string
	}{
		{model.Step{Op: model.OpCreate, After: r}, `{"op":"create","route":{"dst":"10.2.0.0/24","table":254,"type":"unicast","via":"10.2.0.0","dev":"l","onlink":true,"scope":0,"src":"10.1.0.1","nexthops":"","protocol":157}}`},
		{model.Step{Op: model.OpCreate, After: other}, `{"op":"create","route":{"metric":7,"src":"10.2.0.0"}}`},
		{model.Step{Op: model.OpDelete, Before: other}, `{"op":"delete","route":{}}`},
		{model.Step{Op: model.OpCreate, After: bare(r)}, `{"op":"create","route":{"metric":0,"type":null,"via":null,"dev":null,"onlink":null,"scope":null,"src":null,"nexthops":null,"protocol":null}}`},
	} {
		b, err := w.Append(nil, tc.s)
		if err != nil || string(b) != tc.want {
			t.Errorf("%v: got %s, want %s", err, b, tc.want)
		}
	}
}

func TestShortStepsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"route":{"dst":"10.0.0.0/8"}}`:                     "neither made nor removed",
		`{"op":"update","fdb":{"link":"l"}}`:                 "neither made nor removed",
		`{"op":"create","route":{"dst":"10.0.0.0"}}`:         "no '/'",
		`{"op":"create","neighbour":7}`:                      "cannot unmarshal",
		`{"op":"create","address":{"prefix":"x"}}`:           "no '/'",
		`{"op":"explode","route":{"dst":"10.0.0.0/8"}}`:      "is no operation",
		`{"op":"create"}`:                                    "without the object",
		`{"op":"create","cow":{"name":"a"}}`:                 "without the object",
		`{"op":"create","neighbour":{"mac":"02:00"}}`:        "MAC",
		`{"op":"create","neighbour":{"ip":"1.2.3.4.5"}}`:     "ParseAddr",
		`{"op":"create","after":{"kind":"cow","object":{}}}`: "is no kind",
	} {
		var r model.StepReader
		s, err := r.Read([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: read as %+v, error %v, want %q", text, s, err, want)
		}
	}
}
