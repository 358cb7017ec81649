package schema

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// UnknownError says that a step of a path leads nowhere.
type UnknownError struct {
	Step string
	In   *Key // that has no such key
	rest int  // the steps that were not gone
}

// Error names the step, and where it was looked for.
func (e *UnknownError) Error() string {
	switch {
	case e.In.Path == "":
		return fmt.Sprintf("the topology file has no key %q", e.Step)
	case len(e.In.Keys) == 0:
		return fmt.Sprintf("%s is a plain value: there is no %q in it", e.In.Path, e.Step)
	}
	return fmt.Sprintf("%s has no key %q", e.In.Path, e.Step)
}

var index = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[[0-9]*\]`) })

// Find returns what a path leads to, as errors and render write it: nodes.vm1.bridges.br0.mtu.
// The names may be left out: nodes.bridges.mtu. Else it returns an *UnknownError.
func (k *Key) Find(path string) (*Key, error) {
	found, unknown := k.find(strings.Split(index().ReplaceAllString(path, ""), "."))
	if unknown != nil {
		return nil, unknown
	}
	return found, nil
}

func (k *Key) find(steps []string) (*Key, *UnknownError) {
	if len(steps) == 0 {
		return k, nil
	}
	for _, c := range k.Keys {
		if c.Free {
			return c.findIn(steps)
		}
		if c.Name == steps[0] {
			return c.find(steps[1:])
		}
	}
	return nil, &UnknownError{Step: steps[0], In: k, rest: len(steps)}
}

// findIn goes on below a name: one that is left out, the next step, or several, since
// names may have dots. Several are taken only if a key comes behind them, so that a
// misspelt key isn't taken for a part of the name.
func (k *Key) findIn(steps []string) (*Key, *UnknownError) {
	if len(k.Keys) == 0 {
		return k, nil // a sysctl
	}
	leftOut, unknown := k.find(steps)
	if unknown == nil {
		return leftOut, nil
	}
	named, other := k.find(steps[1:])
	if other == nil {
		return named, nil
	}
	for n := 2; n < len(steps); n++ {
		if found, none := k.find(steps[n:]); none == nil {
			return found, nil
		}
	}
	if other.rest < unknown.rest {
		unknown = other
	}
	return nil, unknown
}
