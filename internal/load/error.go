package load

import "fmt"

// Reason says why a run was not begun. The set is closed.
type Reason string

// The reasons of an Error.
const (
	// ReasonPlan: the Plan contradicts itself or has a value that is none.
	ReasonPlan Reason = "plan"
	// ReasonPrepare: a worker could not be prepared.
	ReasonPrepare Reason = "prepare"
)

// Error is the error of Run.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Err is the cause.
	Err error
}

// Error says what was wrong.
func (e *Error) Error() string {
	if e.Reason == ReasonPrepare {
		return fmt.Sprintf("a caller cannot be made ready: %v", e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func planError(format string, args ...any) error {
	return &Error{Reason: ReasonPlan, Err: fmt.Errorf(format, args...)}
}
