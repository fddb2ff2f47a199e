package client

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Reason says why a plugin did not start, or could not be attached to. The set
// is closed.
type Reason string

// The reasons of an Error.
const (
	// ReasonConfig: the Config contradicts itself or has a value that is none.
	ReasonConfig Reason = "config"
	// ReasonCommand: the command is missing, not found or not executable.
	ReasonCommand Reason = "command"
	// ReasonPrepare: a directory or certificate for the plugin cannot be made.
	ReasonPrepare Reason = "prepare"
	// ReasonChecksum: the command's file is not the expected one.
	ReasonChecksum Reason = "checksum"
	// ReasonRunner: the Runner did not start the plugin, or cannot tell how to
	// reach it.
	ReasonRunner Reason = "runner"
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
	// ReasonDiscover: a search for programs that cannot be made.
	ReasonDiscover Reason = "discover"
)

// Error is the error of Start and of Attach, of ParseChecksum and of Discover.
type Error struct {
	// Reason is one of the Reason… constants.
	Reason Reason
	// Command is the plugin's program; "" with Attach.
	Command string
	// Address is where the plugin was said to listen, with Attach.
	Address string
	// Timeout is how long was waited, with ReasonTimeout.
	Timeout time.Duration
	// Status is how the plugin ended, with ReasonExited, and otherwise if it had
	// ended by then.
	Status *ExitStatus
	// Line is the first line of its stdout, as far as there was one; with
	// ReasonTimeout, at most 200 bytes that no line end followed.
	Line string
	// Found and Expected are the sums in hexadecimal, with ReasonChecksum, if
	// the file could be read. With ReasonDiscover Found is the pattern or the
	// directory.
	Found, Expected string
	// Program describes the file that was started, when its first line has too
	// few fields to be a handshake line, or its checksum is another one: path,
	// mode, owner, executable format.
	Program string
	// Stderr holds the last lines of the plugin's stderr, oldest first.
	Stderr []string
	// Crash is what the plugin wrote to stderr from a line on that starts with
	// "panic: " or "fatal error: ", at most 64 KiB and 200 lines.
	Crash string
	// Err is the cause.
	Err error

	manual bool // there is a TLSConfig
	mute   bool // it took a connection without TLS, and did not answer
}

// badConfig is the error of a setting that stands by itself.
func badConfig(format string, args ...any) *Error {
	return &Error{Reason: ReasonConfig, Err: fmt.Errorf(format, args...)}
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
	case ReasonConfig:
		if e.Command == "" && e.Address == "" {
			return e.Err.Error()
		}
		text += "is configured wrongly"
	case ReasonDiscover:
		text = fmt.Sprintf("cannot search for programs by %q", e.Found)
		if errors.As(e.Err, new(syscall.Errno)) {
			text = fmt.Sprintf("cannot search for programs in %q", e.Found)
		}
	case ReasonCommand:
		return e.Err.Error()
	case ReasonChecksum:
		text += "is not the expected program"
		if e.Found != "" {
			text += fmt.Sprintf(": its checksum is %q, expected %q", e.Found, e.Expected)
		}
	case ReasonRunner:
		text += "is out of its runner's reach"
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
		if e.Status != nil {
			text += e.Status.String() + " after it printed its handshake line"
		} else {
			text += "does not accept connections"
		}
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
	case ReasonChecksum:
		advice = "the file was changed, or is of another release: install it anew from where the checksum comes from"
	case ReasonTimeout:
		advice = "the first line on stdout must be the handshake line; a program without one becomes a plugin by `rpcplugin serve --exec`"
	case ReasonDiscover:
		advice = `a pattern is one of file names, such as "terraform-provider-*"`
		if errors.As(e.Err, new(syscall.Errno)) {
			advice = "what is searched must be a directory that can be read, or not be there at all"
		}
	default:
		advice = e.adviceOfCause()
	}
	if e.Program != "" {
		advice += "\nthe program is " + e.Program
	}
	return strings.TrimSpace(advice + "\n" + e.LastWords())
}

// adviceOfCause is what the cause advises, or what its kind does.
func (e *Error) adviceOfCause() string {
	hinter, hints := e.Err.(interface{ Hint() string })
	switch {
	case e.Reason == ReasonTLS && e.manual:
		return "the TLSConfig must trust the plugin's authority (RootCAs), have a name of the plugin's certificate (ServerName), " +
			"and hold a certificate if the plugin asks for one"
	case hints:
		return hinter.Hint()
	case e.Reason == ReasonTLS:
		return "a plugin that does not do AutoMTLS is reached with TLS turned off, or with a TLSConfig if it has keys of its own"
	case e.Reason == ReasonConnect && e.Address != "" && !e.manual:
		return "only a gRPC plugin without TLS can be attached to: one that serves by itself, or in go-plugin's test mode"
	case e.mute && e.Status == nil:
		return "it took the connection and did not answer: if it serves with TLS by keys of its own, it takes a TLSConfig to reach it"
	default:
		return ""
	}
}

// advised is a cause that has advice of its own.
type advised struct{ text, hint string }

func (a *advised) Error() string { return a.text }

// Hint says what to do about it.
func (a *advised) Hint() string { return a.hint }

var (
	errUnaskedCertificate error = &advised{
		"its handshake line carries a certificate, though none was asked for",
		"a plugin prints its certificate only if PLUGIN_CLIENT_CERT is set in its environment; this one may be reached with AutoMTLS",
	}
	errNoAddress error = &advised{
		"its handshake line has an empty address (field 4)",
		"print the path of the plugin's socket in field 4",
	}
)

// crashLines is how much of a crash LastWords presents.
const crashLines = 12

// LastWords presents the beginning of the plugin's crash, or else the last lines
// of its stderr, "" without any.
func (e *Error) LastWords() string {
	if e.Crash != "" {
		lines := strings.SplitN(e.Crash, "\n", crashLines+1)
		return "it crashed:\n  " + strings.Join(lines[:min(len(lines), crashLines)], "\n  ")
	}
	if len(e.Stderr) == 0 {
		return ""
	}
	return "its last words on stderr:\n  " + strings.Join(e.Stderr, "\n  ")
}
