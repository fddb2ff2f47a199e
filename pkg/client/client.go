package client

import (
	"context"
	"crypto/tls"
	"errors"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Phases are the times that the steps of a start took. Process and Line are
// zero for a plugin that was attached to.
type Phases struct {
	// Process is from the call of Start to the running process.
	Process time.Duration
	// Line is from the running process to its handshake line.
	Line time.Duration
	// Connect is from the line, or from the call of Attach, to the beginning of
	// HTTP/2, TLS included.
	Connect time.Duration
}

// Client is one running plugin and the connection to it. Start makes it, or
// Attach, and Close ends it. Its methods may be called concurrently.
type Client struct {
	cfg      Config
	attached *attachment           // nil if the plugin was started
	pair     *pki.Pair             // nil without TLS
	socket   *transport.PrivateDir // nil if attached
	proc     Running               // nil if attached
	output   *output               // nil if attached
	line     handshake.Line
	phases   Phases
	tls      *tls.Config // nil without TLS
	// brokerTLS is that of services which the plugin dials; nil without TLS.
	brokerTLS *tls.Config
	broker    *services.Broker
	mux       *transport.Mux // nil without multiplexing
	held      *heldSocket    // nil without Config.HoldSocket
	conn      *grpc.ClientConn

	life     life
	traffic  transport.Counter
	calls    callCount
	started  time.Time
	restarts int // set by a Supervisor before anybody else sees the Client

	streams sync.WaitGroup // of stdio and broker, and what watches the connection
	cut     context.CancelFunc

	closing sync.Once
	closed  error
}

// Start launches the plugin, reads and checks its handshake line and connects.
// It returns when the plugin has begun HTTP/2 with us, so that TLS and address are
// known to be right. ctx bounds the start only. The error is an *Error; nothing
// is left running then. The caller calls Close.
func Start(ctx context.Context, cfg Config) (*Client, error) {
	c := &Client{cfg: cfg.withDefaults()}
	if err := c.start(ctx); err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return c, nil
}

func (c *Client) start(ctx context.Context) error {
	began := time.Now()
	c.started = began
	call(c.cfg.Trace.ProcessStart, c.cfg.Command)
	if err := c.launch(ctx); err != nil {
		return err
	}
	launched := time.Now()
	c.phases.Process = launched.Sub(began)
	c.watchExit()
	call(c.cfg.Trace.ProcessStarted, c.proc.ID())
	if err := c.greet(ctx); err != nil {
		return err
	}
	greeted := time.Now()
	c.phases.Line = greeted.Sub(launched)
	call(c.cfg.Trace.Line, LineInfo{Line: c.line, Took: c.phases.Line})
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.phases.Connect = time.Since(greeted)
	c.ready()
	c.cfg.log.Debug("plugin started", event.OK(event.Plugin, event.Start), "pid", pidOf(c.proc), "app_version", c.line.AppVersion,
		"network", c.line.Network, "address", c.line.Address, "tls", c.tls != nil, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// greet waits for the handshake line and checks it.
func (c *Client) greet(ctx context.Context) error {
	timeout := time.NewTimer(c.cfg.StartTimeout)
	defer timeout.Stop()
	select {
	case <-c.output.greeted:
	case <-timeout.C:
		return c.fail(ReasonTimeout, nil)
	case <-ctx.Done():
		return c.fail(ReasonCanceled, ctx.Err())
	}
	if !c.output.hasLine {
		select {
		case <-c.proc.Exited():
			return c.fail(ReasonExited, nil)
		case <-timeout.C:
			return c.fail(ReasonTimeout, errors.New("it closed its stdout"))
		case <-ctx.Done():
			return c.fail(ReasonCanceled, ctx.Err())
		}
	}
	line, err := handshake.AcceptLine(c.output.line, handshake.Expectation{
		AppVersions: c.cfg.AppVersions, Networks: c.cfg.Networks, Multiplex: c.cfg.Multiplex,
	})
	if err != nil {
		return c.fail(ReasonLine, err)
	}
	c.line = line
	return nil
}

// Conn returns the connection on which the plugin's services are called. It
// belongs to the Client.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Line returns the plugin's handshake line; for a plugin that was attached to,
// what stands for it: core version 1 and the facts of the Reattach.
func (c *Client) Line() handshake.Line { return c.line }

// Phases returns what Start or Attach took.
func (c *Client) Phases() Phases { return c.phases }

// Pid returns the plugin's process id; for a plugin that was attached to, that
// of the Reattach. 0 means that it is not known, or that the plugin is no process
// of this machine.
func (c *Client) Pid() int {
	if c.attached != nil {
		return c.attached.Pid
	}
	return pidOf(c.proc)
}

// ID names what runs: the process id, or what the Runner calls it; for a plugin
// that was attached to it is that of the Reattach.
func (c *Client) ID() string {
	if c.attached != nil {
		return strconv.Itoa(c.attached.Pid)
	}
	return c.proc.ID()
}

// Broker returns the broker of the connection.
func (c *Client) Broker() *services.Broker { return c.broker }

// Exited is closed when the plugin's process has ended. Of a plugin that was
// attached to only the connection is known: it is closed when that was lost, at
// the latest by Close.
func (c *Client) Exited() <-chan struct{} {
	if c.attached != nil {
		return c.attached.lost
	}
	return c.proc.Exited()
}

// LastWords returns how the plugin ended, valid after Exited, and the last
// lines of its stderr, for which it waits half a second at most. For a plugin that was attached to the status is the
// unknown one, with Code -1, and there are no lines.
func (c *Client) LastWords() (ExitStatus, []string) {
	if c.attached != nil {
		return ExitStatus{Code: -1}, nil
	}
	c.settle()
	return c.proc.Status(), c.output.stderr.Tail()
}

// Crash returns what the plugin wrote to stderr from a line on that starts with
// "panic: " or "fatal error: ", at most 64 KiB and 200 lines; "" without such a
// line and for a plugin that was attached to. After Exited it waits half a second
// at most for the rest.
func (c *Client) Crash() string {
	if c.attached != nil {
		return ""
	}
	select {
	case <-c.proc.Exited():
		c.settle()
	default:
	}
	return c.output.stderr.Crash()
}

// Ping asks the plugin's health service whether it serves. A ctx without a
// deadline gets that of Config.PingTimeout, so that a plugin that is stopped, or
// stuck, cannot hold it up for ever. The error is a gRPC status, or says what
// else the plugin answered.
func (c *Client) Ping(ctx context.Context) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.PingTimeout)
		defer cancel()
	}
	return services.Ping(ctx, c.conn)
}
