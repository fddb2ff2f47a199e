package client

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/process"
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
	// Connect is from the line, or from the call of Attach, to an answered
	// ping, TLS included.
	Connect time.Duration
}

// Client is one running plugin and the connection to it. Start makes it, or
// Attach, and Close ends it. Its methods may be called concurrently.
type Client struct {
	cfg      Config
	attached *attachment           // nil if the plugin was started
	pair     *pki.Pair             // nil without TLS
	socket   *transport.PrivateDir // nil if attached
	proc     *process.Process      // nil if attached
	output   *output               // nil if attached
	line     handshake.Line
	phases   Phases
	tls      *tls.Config // nil without TLS
	// brokerTLS is that of services which the plugin dials; nil without TLS.
	brokerTLS *tls.Config
	broker    *services.Broker
	mux       *transport.Mux // nil without multiplexing
	conn      *grpc.ClientConn

	streams sync.WaitGroup // of stdio and broker, and what watches the connection
	cut     context.CancelFunc

	closing sync.Once
	closed  error
}

// Start launches the plugin, reads and checks its handshake line and connects.
// It returns when the plugin has answered a ping, so that TLS and address are
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
	if err := c.launch(); err != nil {
		return err
	}
	launched := time.Now()
	c.phases.Process = launched.Sub(began)
	if err := c.greet(ctx); err != nil {
		return err
	}
	greeted := time.Now()
	c.phases.Line = greeted.Sub(launched)
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.phases.Connect = time.Since(greeted)
	c.cfg.Logger.Debug("plugin started", "pid", c.proc.Pid(), "app_version", c.line.AppVersion,
		"network", c.line.Network, "address", c.line.Address, "tls", c.tls != nil)
	return nil
}

// launch starts the process with what a host puts in a plugin's environment.
func (c *Client) launch() error {
	env := handshake.Env{
		AppVersions: c.cfg.AppVersions, Transports: c.cfg.Networks,
		MultiplexSet: c.cfg.Multiplex, Multiplex: c.cfg.Multiplex,
	}
	var err error
	if c.cfg.TLS == TLSAuto {
		if c.pair, err = pki.NewPair(); err != nil {
			return c.fail(ReasonPrepare, err)
		}
		env.ClientCert = c.pair.PEM()
	}
	// A directory of ours for the plugin's socket: it goes with us, even if
	// the plugin is killed and cannot clean up.
	if c.socket, err = transport.NewPrivateDir("", "", longestSocketName); err != nil {
		return c.fail(ReasonPrepare, err)
	}
	env.SocketDir = c.socket.Dir()
	environ := append(handshake.StripEnv(c.cfg.Environ, c.cfg.Cookie.Key), env.Environ()...)
	if !c.cfg.Cookie.IsZero() {
		environ = append(environ, c.cfg.Cookie.Key+"="+c.cfg.Cookie.Value)
	}
	c.proc, err = process.Start(process.Config{
		Command:       c.cfg.Command,
		Env:           append(environ, c.cfg.Env...),
		Dir:           c.cfg.Dir,
		Guard:         true,
		RemoveOnDeath: []string{c.socket.Dir()},
		Logger:        c.cfg.Logger,
	})
	if err != nil {
		return c.fail(ReasonCommand, err)
	}
	c.output = readOutput(c.proc, c.cfg.Logger)
	return nil
}

// longestSocketName is room for the name that a plugin gives its socket in the
// directory it is given: go-plugin's are "plugin" and ten digits; ours a
// directory and a short name.
const longestSocketName = 48

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
// of the Reattach, in which 0 means that it is not known.
func (c *Client) Pid() int {
	if c.attached != nil {
		return c.attached.Pid
	}
	return c.proc.Pid()
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

// Ping asks the plugin's health service whether it serves.
func (c *Client) Ping(ctx context.Context) error { return services.Ping(ctx, c.conn) }
