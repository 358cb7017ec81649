package status

import "fmt"

// Troubles says in short what somebody should look at: nothing where the host is as its
// files say.
func (s *Status) Troubles() []string {
	var l []string
	if s.State != InSync {
		l = append(l, string(s.State))
	}
	if s.Pending != nil {
		l = append(l, fmt.Sprintf("a revision is not in force (%s)", s.Pending.Why))
	} else if !s.Source.OK {
		l = append(l, "the files cannot be used")
	}
	for _, why := range HeldWhys() {
		n := 0
		for _, h := range s.Held {
			if h.Why == why {
				n++
			}
		}
		if n > 0 {
			l = append(l, fmt.Sprintf("objects left alone: %d (%s)", n, why))
		}
	}
	if n := len(s.Drift); n > 0 {
		l = append(l, fmt.Sprintf("objects that differ: %d", n))
	}
	return l
}
