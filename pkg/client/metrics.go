package client

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/services"
)

// Metrics is what a Client has counted up to one moment.
type Metrics struct {
	// Started is when Start, or Attach, was called.
	Started time.Time
	// Phases is what that took.
	Phases Phases
	// Restarts is how often a Supervisor had started the plugin before; 0
	// without one.
	Restarts int
	// BytesIn and BytesOut are what was read and written on the main connection
	// and brokered ones, TLS included.
	BytesIn, BytesOut uint64
	// Calls are those on Conn.
	Calls Calls
}

// Calls counts calls of a plugin's services. Those of the protocol itself are
// left out: stdio, broker, controller and health, and so is what goes over
// brokered connections.
type Calls struct {
	// Started is how many were begun, Running how many of them have not ended.
	Started, Running uint64
	// Failed is how many ended with another status than OK, among them Canceled
	// for those that the caller gave up; a stream that is read to io.EOF has not
	// failed.
	Failed uint64
	// ByCode is Failed by status; nil without any.
	ByCode map[codes.Code]uint64
}

// Metrics returns what was counted so far. It may be called after Close.
func (c *Client) Metrics() Metrics {
	m := Metrics{Started: c.started, Phases: c.phases, Restarts: c.restarts, Calls: c.calls.snapshot()}
	m.BytesIn, m.BytesOut = c.traffic.Bytes()
	return m
}

// callCount counts calls.
type callCount struct {
	started, ended atomic.Uint64
	failed         [codes.Unauthenticated + 1]atomic.Uint64 // by code, the last of which that is
}

func (n *callCount) snapshot() Calls {
	ended := n.ended.Load() // before started, or fewer than none might run
	calls := Calls{Started: n.started.Load()}
	calls.Running = calls.Started - ended
	for code := range n.failed {
		count := n.failed[code].Load()
		if count == 0 {
			continue
		}
		if calls.ByCode == nil {
			calls.ByCode = make(map[codes.Code]uint64)
		}
		calls.ByCode[codes.Code(code)] = count
		calls.Failed += count
	}
	return calls
}

// ownCall reports whether a method is of the protocol, not of the plugin.
func ownCall(method string) bool {
	return strings.HasPrefix(method, "/"+services.StdioName+"/") ||
		strings.HasPrefix(method, "/"+services.BrokerName+"/") ||
		strings.HasPrefix(method, "/"+services.ControllerName+"/") ||
		method == healthpb.Health_Check_FullMethodName
}

// beginCall counts a call. The time is zero if nobody asks for it.
func (c *Client) beginCall(method string) (began time.Time) {
	c.calls.started.Add(1)
	call(c.cfg.Trace.CallStart, method)
	if c.cfg.Trace.CallDone != nil {
		began = time.Now()
	}
	return began
}

// endCall counts the end of a call.
func (c *Client) endCall(method string, began time.Time, err error) {
	code := status.Code(err)
	if code != codes.OK {
		known := code
		if known > codes.Unauthenticated {
			known = codes.Unknown
		}
		c.calls.failed[known].Add(1)
	}
	c.calls.ended.Add(1)
	if hook := c.cfg.Trace.CallDone; hook != nil {
		hook(CallInfo{Method: method, Code: code, Took: time.Since(began)})
	}
}

// interceptUnary counts calls without streams.
func (c *Client) interceptUnary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if ownCall(method) {
		return invoke(ctx, method, request, reply, conn, opts...)
	}
	began := c.beginCall(method)
	err := invoke(ctx, method, request, reply, conn, opts...)
	c.endCall(method, began, err)
	return err
}

// interceptStream counts calls with streams. gRPC tells of the end of each,
// also of one that nobody reads to its end.
func (c *Client) interceptStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if ownCall(method) {
		return open(ctx, desc, conn, method, opts...)
	}
	began := c.beginCall(method)
	var ended atomic.Bool
	end := func(err error) {
		if !ended.Swap(true) {
			c.endCall(method, began, err)
		}
	}
	// The capacity is cut so that the caller's options are not written to.
	stream, err := open(ctx, desc, conn, method, append(opts[:len(opts):len(opts)], grpc.OnFinish(end))...)
	if err != nil {
		end(err) // another interceptor may not have asked gRPC at all
	}
	return stream, err
}
