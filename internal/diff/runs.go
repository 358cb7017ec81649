package diff

// inRuns returns the numbers below n in order. It merges the ascending runs in which they
// come already: what leads to peers comes in a few, one a kind, and is compared about as often as
// there is of it.
func inRuns(n int, compare func(i, j int32) int) []int32 {
	at, room := make([]int32, n), make([]int32, n)
	var ends []int // of the runs
	for i := range at {
		at[i] = int32(i)
		if i > 0 && compare(int32(i-1), int32(i)) > 0 {
			ends = append(ends, i)
		}
	}
	for ends = append(ends, n); len(ends) > 1; at, room = room, at {
		merged, from := ends[:0], 0
		for i := 0; i < len(ends); i += 2 {
			to := ends[min(i+1, len(ends)-1)]
			merge(room[from:to], at[from:ends[i]], at[ends[i]:to], compare)
			merged, from = append(merged, to), to
		}
		ends = merged
	}
	return at
}

// merge puts two runs into one that has room for both.
func merge(out, a, b []int32, compare func(i, j int32) int) {
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out[0], a = a[0], a[1:]
		} else {
			out[0], b = b[0], b[1:]
		}
		out = out[1:]
	}
	copy(out[copy(out, a):], b)
}

// rearrange puts what has the numbers into their order. It uses the numbers up.
func rearrange[T any](l []T, numbers []int32) {
	for i := range numbers {
		if int(numbers[i]) == i {
			continue
		}
		first, at := l[i], i
		for {
			from := int(numbers[at])
			numbers[at] = int32(at)
			if from == i {
				break
			}
			l[at], at = l[from], from
		}
		l[at] = first
	}
}
