package process

import (
	"errors"
	"fmt"
	"os/exec"
)

// Reason says which kind of failure an [Error] is. The set is closed.
type Reason string

// The reasons of an [Error].
const (
	// ReasonNoCommand: the command is empty.
	ReasonNoCommand Reason = "no command"
	// ReasonNotFound: there is no such file, or none of that name in PATH.
	ReasonNotFound Reason = "not found"
	// ReasonNotExecutable: the file is there but may not be executed.
	ReasonNotExecutable Reason = "not executable"
	// ReasonDirectory: the command is a directory.
	ReasonDirectory Reason = "directory"
	// ReasonCurrentDir: PATH leads to a program below the current directory,
	// which is not run unless its name is written with a slash.
	ReasonCurrentDir Reason = "current directory"
	// ReasonFormat: the file is no program of this machine.
	ReasonFormat Reason = "format"
	// ReasonInterpreter: the file is there but the interpreter or loader that
	// it asks for is not.
	ReasonInterpreter Reason = "interpreter"
	// ReasonWorkDir: the working directory cannot be entered.
	ReasonWorkDir Reason = "working directory"
	// ReasonRemoveDir: a directory to remove is not an absolute path below the
	// root.
	ReasonRemoveDir Reason = "directory to remove"
	// ReasonResources: the system has no process, file or memory to spare.
	ReasonResources Reason = "resources"
	// ReasonStart: the system refused to start the program in another way.
	ReasonStart Reason = "start"
	// ReasonSignal: the signal does not exist on this system, or could not be
	// sent.
	ReasonSignal Reason = "signal"
	// ReasonUnkillable: the process did not end although it was killed.
	ReasonUnkillable Reason = "unkillable"
)

// Error is the error of every function and method of this package.
type Error struct {
	// Reason is the kind of failure.
	Reason Reason
	// Subject is what failed: the command as it was given, the directory or
	// the signal.
	Subject string
	// Err is the cause from the system, nil if there is none.
	Err error

	what string // the message, without the cause
	hint string
}

// Error returns the message, in one line.
func (e *Error) Error() string {
	what := e.what
	if what == "" {
		what = fmt.Sprintf("%q: %s", e.Subject, e.Reason)
	}
	if e.Err == nil || errors.Is(e.Err, exec.ErrNotFound) { // which says the same again
		return what
	}
	return what + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do next, or "" where there is no advice.
func (e *Error) Hint() string { return e.hint }
