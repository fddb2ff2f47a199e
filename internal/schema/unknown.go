package schema

import (
	"fmt"
	"strings"
)

// manyMethods are too many to be read in an error.
const manyMethods = 8

// UnknownError is a name that no source knows. It is ErrUnknown, unless a source
// could not be asked.
type UnknownError struct {
	// Kind is "service", "method" or "symbol".
	Kind string
	// Name is what was asked for; of a method, the last part of its name.
	Name string
	// Service is the service that has no such method, and Known are those that it
	// has.
	Service string
	Known   []string
	// Err is that of a source that could not be asked, or nil.
	Err error
}

// Error says what is unknown.
func (e *UnknownError) Error() string {
	where := ""
	if e.Service != "" {
		where = fmt.Sprintf(" of service %q", e.Service)
	}
	text := fmt.Sprintf("%s %q%s: %v", e.Kind, e.Name, where, e.Unwrap())
	switch {
	case len(e.Known) > manyMethods:
		text += fmt.Sprintf("; it has %d others", len(e.Known))
	case len(e.Known) > 0:
		text += "; it has " + strings.Join(e.Known, ", ")
	}
	return text
}

// Unwrap returns the cause, ErrUnknown without another.
func (e *UnknownError) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	return ErrUnknown
}
