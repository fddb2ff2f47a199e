package client

import (
	"fmt"
	"strings"
	"time"
)

// Reason says why a plugin did not start, or could not be attached to. The set
// is closed.
type Reason string

// The reasons of an Error.
const (
	// ReasonCommand: the command is missing, not found or not executable.
	ReasonCommand Reason = "command"
	// ReasonPrepare: a directory or certificate for the plugin cannot be made.
	ReasonPrepare Reason = "prepare"
	// ReasonExited: the plugin ended before it printed a line.
	ReasonExited Reason = "exited"
	// ReasonTimeout: no line came in time.
	ReasonTimeout Reason = "timeout"
	// ReasonCanceled: the caller's context ended first.
	ReasonCanceled Reason = "canceled"
	// ReasonLine: the first line is no handshake line, or one that this host
	// does not take. The cause is a *handshake.Error.
	ReasonLine Reason = "line"
	// ReasonTLS: the plugin's certificate is missing, unwanted or unusable.
	ReasonTLS Reason = "tls"
	// ReasonConnect: the plugin does not accept at its address.
	ReasonConnect Reason = "connect"
	// ReasonReattach: the Reattach is of a plugin that this host does not
	// take. The cause is a *handshake.Error.
	ReasonReattach Reason = "reattach"
)

// Error is the error of Start and of Attach.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Command is the plugin's program; "" with Attach.
	Command string
	// Address is where the plugin was said to listen, with Attach.
	Address string
	// Timeout is how long was waited, with ReasonTimeout.
	Timeout time.Duration
	// Status is how the plugin ended, with ReasonExited.
	Status *ExitStatus
	// Line is the first line of its stdout, as far as there was one; with
	// ReasonTimeout, at most 200 bytes that no line end followed.
	Line string
	// Program describes the file that was started, when its first line has too
	// few fields to be a handshake line: path, mode, owner, executable format.
	Program string
	// Stderr holds the last lines of the plugin's stderr, oldest first.
	Stderr []string
	// Err is the cause.
	Err error
}

// Error says what happened to which plugin.
func (e *Error) Error() string {
	text := fmt.Sprintf("plugin %q ", e.Command)
	if e.Address != "" || e.Reason == ReasonReattach {
		text = fmt.Sprintf("plugin at %q ", e.Address)
	}
	if report, ok := e.report(); ok {
		return text + "did not start: " + report
	}
	switch e.Reason {
	case ReasonCommand:
		return e.Err.Error()
	case ReasonPrepare:
		text += "cannot be started"
	case ReasonExited:
		text += e.Status.String() + " before it printed a handshake line"
	case ReasonTimeout:
		text += fmt.Sprintf("printed no handshake line within %s", e.Timeout)
		if e.Line != "" {
			text += fmt.Sprintf(", but %q without a line end", e.Line)
		}
	case ReasonCanceled:
		text += "was given up"
	case ReasonLine:
		text += "answered the handshake wrongly"
	case ReasonTLS:
		text += "cannot be trusted"
	case ReasonConnect:
		text += "does not accept connections"
	case ReasonReattach:
		text += "cannot be attached to"
	default:
		text += string(e.Reason)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// reportPrefix leads the line by which a bridge says, in place of a handshake
// line, why it cannot start.
const reportPrefix = "rpcplugin: "

// report is what a bridge said in place of its line.
func (e *Error) report() (string, bool) {
	if e.Reason != ReasonLine {
		return "", false
	}
	report, ok := strings.CutPrefix(e.Line, reportPrefix)
	return strings.TrimSpace(report), ok
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do next, with the plugin's last words.
func (e *Error) Hint() string {
	if _, ok := e.report(); ok {
		return "this is the plugin's own report: it did not get as far as the handshake"
	}
	var advice string
	switch e.Reason {
	case ReasonExited:
		advice = "run the command by hand with the same environment; a plugin that misses its cookie also ends like this"
	case ReasonTimeout:
		advice = "the first line on stdout must be the handshake line; a program without one becomes a plugin by `rpcplugin serve --exec`"
	case ReasonCommand, ReasonPrepare, ReasonCanceled, ReasonLine, ReasonTLS, ReasonConnect, ReasonReattach:
		if hinter, ok := e.Err.(interface{ Hint() string }); ok {
			advice = hinter.Hint()
		} else if e.Reason == ReasonTLS {
			advice = "a plugin that does not do AutoMTLS is reached with TLS turned off"
		} else if e.Reason == ReasonConnect && e.Address != "" {
			advice = "only a gRPC plugin without TLS can be attached to: one that serves by itself, or in go-plugin's test mode"
		}
	}
	if e.Program != "" {
		advice += "\nthe program is " + e.Program
	}
	return strings.TrimSpace(advice + "\n" + e.LastWords())
}

// LastWords presents the last lines of the plugin's stderr, "" without any.
func (e *Error) LastWords() string {
	if len(e.Stderr) == 0 {
		return ""
	}
	return "its last words on stderr:\n  " + strings.Join(e.Stderr, "\n  ")
}
