package observe

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// everywhere asks each of the namespaces, some at the same time, and takes what they have,
// in their order, up to the first that cannot be asked.
func everywhere[T any](netns []string, ask func(ns string) ([]T, error), take func(T)) error {
	const most = 64 // namespaces whose answers are kept until they are taken
	for some := range slices.Chunk(netns, most) {
		answers, errs := make([][]T, len(some)), make([]error, len(some))
		kernel.Spread(len(some), func(i int) { answers[i], errs[i] = ask(some[i]) })
		for i, l := range answers {
			if errs[i] != nil {
				return errs[i]
			}
			for _, x := range l {
				take(x)
			}
		}
	}
	return nil
}
