package transport

import (
	"errors"
	"net"
	"os"
	"strconv"
)

// Reason says what kind of failure an [*Error] is. The set is closed; a switch
// over it needs a default only for versions to come.
type Reason string

// The reasons.
const (
	// ReasonAddress: an endpoint, host or port range makes no sense here, or
	// a host name is not known.
	ReasonAddress Reason = "address"
	// ReasonPathTooLong: a socket path is longer than the system takes.
	ReasonPathTooLong Reason = "path-too-long"
	// ReasonNotSocket: there is a file at the path, and it is no socket.
	ReasonNotSocket Reason = "not-socket"
	// ReasonInUse: somebody alive listens at the address already.
	ReasonInUse Reason = "in-use"
	// ReasonNotFound: there is no file at the path of the socket.
	ReasonNotFound Reason = "not-found"
	// ReasonPermission: the system does not let this user.
	ReasonPermission Reason = "permission"
	// ReasonDirectory: a directory for a socket could not be made or removed.
	ReasonDirectory Reason = "directory"
	// ReasonGroup: a group is unknown, or this user may not give files to it.
	ReasonGroup Reason = "group"
	// ReasonNoPort: every port of the range is taken.
	ReasonNoPort Reason = "no-port"
	// ReasonNoCommonNetwork: host and plugin share no network.
	ReasonNoCommonNetwork Reason = "no-common-network"
	// ReasonRefused: nobody accepts at the address.
	ReasonRefused Reason = "refused"
	// ReasonTimeout: a deadline, of the caller or of the transport, passed.
	// errors.Is finds context.DeadlineExceeded.
	ReasonTimeout Reason = "timeout"
	// ReasonCanceled: the caller's context was cancelled. errors.Is finds
	// context.Canceled.
	ReasonCanceled Reason = "canceled"
	// ReasonClosed: the transport is closed. errors.Is finds net.ErrClosed.
	ReasonClosed Reason = "closed"
	// ReasonSystem: any other refusal of the system; see Err.
	ReasonSystem Reason = "system"
)

// what is the first part of an error's text.
func (r Reason) what() string {
	switch r {
	case ReasonAddress:
		return "unusable address"
	case ReasonPathTooLong:
		return "socket path is too long"
	case ReasonNotSocket:
		return "file is not a socket"
	case ReasonInUse:
		return "somebody listens already at"
	case ReasonNotFound:
		return "no socket at"
	case ReasonPermission:
		return "no permission for"
	case ReasonDirectory:
		return "unusable directory"
	case ReasonGroup:
		return "unusable group"
	case ReasonNoPort:
		return "no free port"
	case ReasonNoCommonNetwork:
		return "no network in common with the other side's"
	case ReasonRefused:
		return "nobody listens at"
	case ReasonTimeout:
		return "timed out at"
	case ReasonCanceled:
		return "canceled at"
	case ReasonClosed:
		return "transport is closed"
	default:
		return "transport failed"
	}
}

// Error is every error of this package.
type Error struct {
	// Reason is the kind of failure.
	Reason Reason
	// Found is the offending value: an address, a path, a group, a list.
	// It may be empty.
	Found string
	// Expected names what would have been right. It may be empty.
	Expected string
	// Err is the cause, or nil.
	Err error
}

// Error is one line without a full stop: what happened, the value quoted, what
// was expected, why.
func (e *Error) Error() string {
	text := e.Reason.what()
	if e.Found != "" {
		text += " " + strconv.Quote(e.Found)
	}
	if e.Expected != "" {
		text += ", expected " + e.Expected
	}
	if e.Err != nil {
		text += ": " + cause(e.Err)
	}
	return text
}

// cause is the text of err without what Found says already.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	var path *os.PathError
	if errors.As(err, &path) && path.Err != nil {
		return path.Op + ": " + path.Err.Error()
	}
	return err.Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Hint is what to do next, in one line, or empty.
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonAddress:
		return `write a socket as "unix:/path" and a port as "127.0.0.1:1234"`
	case ReasonPathTooLong:
		return "use a shorter directory, for example TMPDIR=/tmp or PLUGIN_UNIX_SOCKET_DIR=/tmp"
	case ReasonNotSocket:
		return "choose another path, or move that file away; only left-over sockets are removed"
	case ReasonInUse:
		return "stop the plugin that listens there, or choose another address"
	case ReasonNotFound, ReasonRefused:
		return "the plugin has stopped or does not listen yet: start it again and use the address it prints"
	case ReasonPermission:
		return "run host and plugin as the same user, or share the socket with PLUGIN_UNIX_SOCKET_GROUP"
	case ReasonDirectory:
		return "check that the directory exists and is yours to write, or set TMPDIR or PLUGIN_UNIX_SOCKET_DIR to one that is"
	case ReasonGroup:
		return "name a group that this user is a member of (see the command id), or its number"
	case ReasonNoPort:
		return "widen PLUGIN_MIN_PORT and PLUGIN_MAX_PORT, or use unix sockets"
	case ReasonNoCommonNetwork:
		return "allow one of the networks the other side takes"
	case ReasonTimeout:
		return "check that the plugin is alive and not stopped in a debugger, or allow more time"
	default:
		return ""
	}
}
