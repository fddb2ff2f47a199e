package bridge

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/process"
)

// Reason says why the child is of no use. The set is closed.
type Reason string

// The reasons of an Error.
const (
	// ReasonConfig: the Config contradicts itself.
	ReasonConfig Reason = "config"
	// ReasonCommand: the command is missing, not found or not executable.
	ReasonCommand Reason = "command"
	// ReasonPrepare: the child's directory, port or connection cannot be made.
	ReasonPrepare Reason = "prepare"
	// ReasonSetup: Config.Prepare has failed, which is the cause.
	ReasonSetup Reason = "setup"
	// ReasonListen: the child did not accept at its address in time.
	ReasonListen Reason = "listen"
	// ReasonHandshake: a native child did not start as a plugin does. The cause
	// is a *client.Error.
	ReasonHandshake Reason = "handshake"
	// ReasonExited: the child's process has ended.
	ReasonExited Reason = "exited"
	// ReasonLost: the child closed its connection and lives on.
	ReasonLost Reason = "lost"
)

// ExitStatus is how a child's process ended.
type ExitStatus = process.Status

// Error is the error of New and Run, and the text of every call that the
// child cannot answer.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Command is the child as typed.
	Command string
	// Accepted is whether the child had ever accepted a connection.
	Accepted bool
	// Timeout and Address are what ReasonListen is about.
	Timeout time.Duration
	Address string
	// Status is how the process ended, with ReasonExited.
	Status *ExitStatus
	// Stderr holds the last lines of the child's stderr, oldest first.
	Stderr []string
	// Err is the cause.
	Err error
}

// Error says what became of which child, with its last words.
func (e *Error) Error() string {
	return e.sentence() + e.words()
}

func (e *Error) words() string {
	if len(e.Stderr) == 0 {
		return ""
	}
	return "; its last lines on stderr:\n  " + strings.Join(e.Stderr, "\n  ")
}

// advised is the error as calls tell it: with what to do where the program has
// never served.
func (e *Error) advised() string {
	if e.Reason == ReasonListen {
		return e.sentence() + "; " + e.Hint() + e.words()
	}
	if hint := e.Hint(); e.Reason == ReasonSetup && hint != "" {
		return e.sentence() + "\n" + hint
	}
	return e.Error()
}

func (e *Error) sentence() string {
	program := fmt.Sprintf("the plugin's program %q ", e.Command)
	switch e.Reason {
	case ReasonCommand, ReasonConfig:
		return e.Err.Error()
	case ReasonHandshake:
		return program + "did not start as a plugin: " + e.Err.Error()
	case ReasonListen:
		return program + fmt.Sprintf("did not listen at %q within %s", e.Address, e.Timeout)
	case ReasonExited:
		if !e.Accepted {
			return program + e.Status.String() + " before it accepted a connection"
		}
		return program + e.Status.String()
	case ReasonLost:
		return program + "closed its connection: " + status.Convert(e.Err).Message()
	case ReasonSetup:
		return program + "cannot be prepared: " + e.Err.Error()
	case ReasonPrepare:
		return program + fmt.Sprintf("cannot be reached: %v", e.Err)
	default:
		return program + string(e.Reason)
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonHandshake:
		return adviceOf(e.Err)
	case ReasonCommand, ReasonPrepare, ReasonSetup:
		if hinter, ok := e.Err.(interface{ Hint() string }); ok {
			return hinter.Hint()
		}
	case ReasonListen:
		return "the program must serve gRPC without TLS at the address in " + EnvChildAddress
	case ReasonExited:
		if !e.Accepted {
			return "the program must serve gRPC without TLS at the address in " + EnvChildAddress + " and stay; try it by hand with that variable set; " +
				"one that is a plugin already, by go-plugin or pyvider-rpcplugin, is a native one (--child native)"
		}
	case ReasonLost, ReasonConfig:
	}
	return ""
}

// report is the crash as hosts look for it on a plugin's stderr: plain text,
// led by "panic: ". The bar before the program's own words keeps hosts from
// reading them as JSON, which may be of a kind that makes a host panic.
func (e *Error) report() string {
	var b strings.Builder
	b.WriteString("panic: " + e.sentence() + "\n")
	for _, line := range e.Stderr {
		b.WriteString("| " + strings.ReplaceAll(line, "\n", "\n| ") + "\n")
	}
	return b.String()
}
