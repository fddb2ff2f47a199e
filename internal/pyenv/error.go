package pyenv

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"time"
)

// Reason says why there is no environment. The set is closed.
type Reason string

// The reasons of an Error.
const (
	// ReasonInterpreter: there is no such Python.
	ReasonInterpreter Reason = "interpreter"
	// ReasonRequirements: a file of requirements, or the folder of wheels, cannot
	// be used.
	ReasonRequirements Reason = "requirements"
	// ReasonCache: the cache cannot be written, or there is none.
	ReasonCache Reason = "cache"
	// ReasonVenv: Python's module venv has failed.
	ReasonVenv Reason = "venv"
	// ReasonInstall: pip has failed.
	ReasonInstall Reason = "install"
	// ReasonTimeout: it took too long.
	ReasonTimeout Reason = "timeout"
)

// Error is the error of Ensure.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Path is the file or folder that it is about, "" where that is what is
	// missing.
	Path string
	// Status is how Python ended, with ReasonVenv and ReasonInstall.
	Status string
	// Output holds its last lines, oldest first.
	Output []string
	// Offline is whether only a folder of wheels was installed from.
	Offline bool
	// Timeout is how long it might have taken, with ReasonTimeout.
	Timeout time.Duration
	// Err is the cause.
	Err error
}

// Error says what failed, with the last lines of what Python or pip said.
func (e *Error) Error() string {
	switch e.Reason {
	case ReasonInterpreter:
		return e.Err.Error()
	case ReasonRequirements:
		return fmt.Sprintf("cannot use %q: %v", e.Path, bare(e.Err))
	case ReasonCache:
		if e.Path == "" {
			return fmt.Sprintf("no folder for Python environments: %v", e.Err)
		}
		return fmt.Sprintf("cannot keep Python environments in %q: %v", e.Path, bare(e.Err))
	case ReasonVenv:
		return e.failed("no virtual environment can be made with %q: ")
	case ReasonInstall:
		return e.failed("the requirements in %q cannot be installed: ")
	case ReasonTimeout:
		return fmt.Sprintf("the Python environment in %q was not ready within %s", e.Path, e.Timeout)
	default:
		return string(e.Reason)
	}
}

// failed tells of a program that ended, or never ran.
func (e *Error) failed(format string) string {
	text := fmt.Sprintf(format, e.Path)
	if e.Err != nil {
		return text + e.Err.Error()
	}
	text += "it " + e.Status
	if len(e.Output) > 0 {
		text += "; its last lines:\n  " + strings.Join(e.Output, "\n  ")
	}
	return text
}

// bare is an error of a file without the file's name, which is told before.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonCache:
		return "set --python-cache (python-cache in rpcplugin.yaml) to a folder that this user may write, and nobody else"
	case ReasonVenv:
		return "a Python 3 with the modules venv and ensurepip is needed (on Debian and Ubuntu, apt install python3-venv), and room on the disk"
	case ReasonInstall:
		if e.Offline {
			return fmt.Sprintf("the folder of wheels must hold all requirements, and what they require, for this Python on %s/%s", runtime.GOOS, runtime.GOARCH)
		}
		return "pip's settings apply (PIP_INDEX_URL, HTTPS_PROXY, pip.conf); to do without a package index, ship a folder of wheels and name it with --python-wheels"
	case ReasonTimeout:
		return "what pip has downloaded is kept, so that another start may be quick enough; else raise --python-timeout"
	case ReasonInterpreter, ReasonRequirements:
	}
	if hinter, ok := e.Err.(interface{ Hint() string }); ok {
		return hinter.Hint()
	}
	return ""
}
