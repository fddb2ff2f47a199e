package client

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Trace is a set of hooks that are called as a plugin is started, called and
// stopped. Each may be nil; Start, Attach and Supervise copy the struct.
//
// A hook runs on the goroutine that does what it tells of: that of Start for
// the first steps, up to Ready; gRPC's for dials and TLS; the caller's for
// calls, or gRPC's where a stream ends; that of Close for the stop; and one of
// the Client's for Exited and the StateChange before it. They may be called
// concurrently, and what they do the plugin's host waits for: they must return
// quickly and must not call Close.
type Trace struct {
	// ProcessStart is called before the program is started, ProcessStarted when
	// it runs, with its process id or what else its Runner calls it.
	ProcessStart   func(command []string)
	ProcessStarted func(id string)
	// Line is called with the plugin's handshake line, which this host takes.
	Line func(LineInfo)
	// DialStart and DialDone enclose a dial of the main connection. There may be
	// several, side by side, as gRPC sees fit.
	DialStart func(transport.Endpoint)
	DialDone  func(DialInfo)
	// TLSStart and TLSDone enclose a handshake of the main connection. With TLS
	// 1.3 the plugin may still refuse this host's certificate after it.
	TLSStart func(plugin net.Addr)
	TLSDone  func(TLSInfo)
	// Ready is called when the connection is up.
	Ready func(Phases)
	// StateChange is called with each state after StateStarting. The changes of
	// one plugin come one after the other.
	StateChange func(State)
	// CallStart and CallDone enclose a call on Conn, as Calls counts them.
	CallStart func(method string)
	CallDone  func(CallInfo)
	// BrokerAccept is called when a listener for a brokered service is open,
	// BrokerDial when one of the plugin's was dialed. With Multiplex brokered
	// connections are streams of the main one, and neither is called.
	BrokerAccept func(transport.Endpoint)
	BrokerDial   func(DialInfo)
	// ShutdownStart is called before the plugin is asked to stop, with the time
	// that it has to answer; ShutdownDone with its answer, of which Unavailable
	// may mean that the plugin was quicker than it.
	ShutdownStart func(grace time.Duration)
	ShutdownDone  func(error)
	// Terminate is called before a program that did not end by itself gets
	// SIGTERM. That SIGKILL had to follow is told by the status that Exited gets.
	Terminate func(id string)
	// Exited is called when the plugin has ended, before Close returns. Of a
	// plugin that was attached to the status has Code -1.
	Exited func(ExitStatus)
	// Restart is called by a Supervisor before it pauses.
	Restart func(RestartInfo)
}

// LineInfo is a handshake line that came.
type LineInfo struct {
	// Line is what the plugin printed.
	Line handshake.Line
	// Took is the time from the running process to the line.
	Took time.Duration
}

// DialInfo is a dial that ended.
type DialInfo struct {
	// Endpoint is what was dialed.
	Endpoint transport.Endpoint
	// Took is the time of the dial.
	Took time.Duration
	// Err is nil, or a *transport.Error.
	Err error
}

// TLSInfo is a TLS handshake that ended.
type TLSInfo struct {
	// State is what was agreed on; empty with Err.
	State tls.ConnectionState
	// Took is the time of the handshake.
	Took time.Duration
	// Err is why it failed.
	Err error
}

// CallInfo is a call that ended.
type CallInfo struct {
	// Method is the full name, "/package.Service/Method".
	Method string
	// Code is the status, OK for a stream that came to its proper end.
	Code codes.Code
	// Took is the time of the call, of a stream from its opening to its end.
	Took time.Duration
}

// RestartInfo is a failure after which a plugin is started again.
type RestartInfo struct {
	// Attempt is the number of the attempt that failed, from 1.
	Attempt int
	// Pause is the time until the next one.
	Pause time.Duration
	// Err is an *Error of the start, or an *ExitError.
	Err error
}

// orEmpty returns a copy, of which no hook is set if there was none.
func (t *Trace) orEmpty() *Trace {
	if t == nil {
		return new(Trace)
	}
	own := *t
	return &own
}

// call calls a hook, if it is set.
func call[T any](hook func(T), with T) {
	if hook != nil {
		hook(with)
	}
}

// traceTerminate tells of the SIGTERM that comes next.
func (c *Client) traceTerminate() {
	select {
	case <-c.proc.Exited():
	default:
		call(c.cfg.Trace.Terminate, c.proc.ID())
	}
}

// tracedTLS is TLS for the main connection.
func (c *Client) tracedTLS(config *tls.Config) credentials.TransportCredentials {
	return tracedTLS{credentials.NewTLS(config), c.cfg.Trace}
}

// tracedTLS is TLS whose handshakes are told of.
type tracedTLS struct {
	credentials.TransportCredentials

	trace *Trace
}

// ClientHandshake is the TLS handshake, told of.
func (t tracedTLS) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	call(t.trace.TLSStart, raw.RemoteAddr())
	began := time.Now()
	conn, info, err := t.TransportCredentials.ClientHandshake(ctx, authority, raw)
	done := TLSInfo{Took: time.Since(began), Err: err}
	if agreed, ok := info.(credentials.TLSInfo); ok {
		done.State = agreed.State
	}
	call(t.trace.TLSDone, done)
	return conn, info, err
}

// Clone returns credentials that are told of as well.
func (t tracedTLS) Clone() credentials.TransportCredentials {
	return tracedTLS{t.TransportCredentials.Clone(), t.trace}
}
