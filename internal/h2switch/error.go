package h2switch

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/net/http2"
)

// Reason is why a connection ended.
type Reason string

// The closed set of reasons.
const (
	ReasonPreface  Reason = "preface"  // the host does not speak HTTP/2
	ReasonProtocol Reason = "protocol" // the peer broke a rule of HTTP/2: see Code
	ReasonLost     Reason = "lost"     // the connection broke, or the peer closed it
	ReasonSilent   Reason = "silent"   // the child accepted and said nothing
	ReasonAway     Reason = "away"     // the local server ended the connection
)

// Error is why a connection ended.
type Error struct {
	Reason Reason
	Peer   string        // "host", "local" or "child"
	Code   http2.ErrCode // with ReasonProtocol
	Err    error         // the cause
}

// Error is one line.
func (e *Error) Error() string {
	switch e.Reason {
	case ReasonPreface, ReasonProtocol:
		return fmt.Sprintf("the %s broke the rules of HTTP/2: %v", e.Peer, e.Err)
	case ReasonSilent:
		return fmt.Sprintf("the %s accepted the connection and did not begin HTTP/2", e.Peer)
	case ReasonAway:
		return fmt.Sprintf("the %s server closed the connection", e.Peer)
	default:
		return fmt.Sprintf("the connection to the %s is lost: %v", e.Peer, e.Err)
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// connFault is a broken rule that ends the connection.
type connFault struct {
	code http2.ErrCode
	text string
}

func (f connFault) Error() string { return fmt.Sprintf("%s (%s)", f.text, f.code) }

func faultf(code http2.ErrCode, format string, args ...any) error {
	return connFault{code: code, text: fmt.Sprintf(format, args...)}
}

// streamFault is a broken rule that ends one stream.
type streamFault struct {
	id   uint32
	code http2.ErrCode
	text string
}

func (f streamFault) Error() string { return fmt.Sprintf("stream %d: %s (%s)", f.id, f.text, f.code) }

// isEnd reports whether the error of a read is how peers usually leave.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func asFault(err error) (connFault, bool) {
	var fault connFault
	ok := errors.As(err, &fault)
	return fault, ok
}
