package dynamic

import (
	"cmp"
	"fmt"
	"slices"
)

// unknownName is the error about a name that there is not.
func unknownName(at *path, what, name string, names []string) *Error {
	return &Error{
		Reason: ReasonName, Path: at.String(),
		Found: fmt.Sprintf("no %s is named %q", what, shortened(name, 80)),
		Names: nearest(shortened(name, 80), names),
	}
}

// nearest returns the names that one may have meant, best first.
func nearest(name string, names []string) []string {
	const most = 3
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
	return sorted[:min(most, len(sorted))]
}

// distance is how many letters must be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
