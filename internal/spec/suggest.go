package spec

import (
	"fmt"
	"strings"
)

// didYouMean returns a hint to the known word that is nearest to a misspelt one, or
// to all of them where there are few and none is near.
func didYouMean(word string, known []string) string {
	switch best := Nearest(word, known); {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) > 0 && len(known) <= 12:
		return "known are " + strings.Join(known, ", ")
	}
	return ""
}

// Nearest returns the known word that a misspelt one may have been meant for, or "".
func Nearest(word string, known []string) string {
	best, distance := "", 1+len(word)/2
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if distance > 3 {
		return ""
	}
	return best
}

// editDistance counts the letters to insert, delete, replace or swap (optimal string
// alignment). Words that are too long to be a slip are far from everything.
func editDistance(a, b string) int {
	const tooLong = 40
	if len(a) > tooLong || len(b) > tooLong {
		return tooLong
	}
	var before, above, row [tooLong + 2]int
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
