package descriptors

import (
	"fmt"
	"strings"
)

// Reason says which kind of thing went wrong. The set is closed.
type Reason string

const (
	// ReasonUnknown: there is no set of that name.
	ReasonUnknown Reason = "unknown"
	// ReasonDamaged: the embedded set is no valid descriptor set, which the tests
	// would have found: the program was not built from a tested tree.
	ReasonDamaged Reason = "damaged"
)

// Error is what every function of this package returns as its error.
type Error struct {
	Reason Reason
	Name   string // the set that was asked for
	Err    error  // what the parser said; nil for ReasonUnknown
}

func (e *Error) Error() string {
	if e.Reason == ReasonUnknown {
		return fmt.Sprintf("no descriptor set is named %q, expected one of %s", e.Name, strings.Join(Names(), ", "))
	}
	return fmt.Sprintf("descriptor set %q cannot be read: %v", e.Name, e.Err)
}

// Unwrap returns the parser's error, nil when there is none.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns advice for the person at the terminal, or "".
func (e *Error) Hint() string {
	if e.Reason == ReasonUnknown {
		return "a set carries the name of its protobuf package, the part before the dot of \"tfplugin6.Provider\""
	}
	return "this is a fault of the build; install rpcplugin again"
}
