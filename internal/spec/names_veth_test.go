package spec

import (
	"math/rand/v2"
	"testing"
)

// A name that is remembered is the one that would be derived.
func TestVethNames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var l vethNames
	words := []string{"web", "db", "a-namespace-of-a-long-name", "eth0", "eth1", "x"}
	for range 2000 {
		namespace, iface := words[r.IntN(len(words))], words[r.IntN(len(words))]
		if got, want := l.of(namespace, iface, r.IntN(10)), vethName(namespace, iface); got != want {
			t.Fatalf("the veth of %s/%s: %q, want %q", namespace, iface, got, want)
		}
	}
}
