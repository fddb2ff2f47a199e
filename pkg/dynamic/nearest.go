package dynamic

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pyvider/rpcplugin/internal/typo"
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
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(typo.Edits(name, a), typo.Edits(name, b)) })
	return sorted[:min(most, len(sorted))]
}
