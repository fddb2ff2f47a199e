package client

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// attachment is what a Client knows of a plugin that it did not start.
type attachment struct {
	handshake.Reattach

	// lost is closed by watch when the connection is no more.
	lost chan struct{}
}

// Attach connects to a plugin that runs already, in the clear, unless cfg has a
// TLSConfig, and without multiplexing, as hosts reattach (go-plugin contract, section 4). It returns
// when the plugin has begun HTTP/2 with us; hosts of go-plugin open and close a probe
// connection before, which would tell nothing that this does not.
//
// The plugin must speak gRPC. If cfg.AppVersions are set, its version must be
// among them; a ProtocolVersion of 0 means 5, see [handshake.Reattach.Version].
// cfg.Networks count as well, and with cfg.Multiplex every plugin is refused. Of
// the rest of cfg only TLS and TLSConfig, StartTimeout (of that), StopGrace, Stdout,
// Stderr, HoldSocket, DialOptions, Logger, PingTimeout and Trace count.
//
// What the plugin prints goes to one host: an attached one takes it from others.
// A plugin made with go-plugin has a broker for the first host only.
//
// ctx bounds Attach only. The error is an *Error with ReasonConfig,
// ReasonReattach, ReasonConnect, ReasonTLS or ReasonCanceled. The caller calls Close, which leaves the
// plugin running if r.Test is true.
func Attach(ctx context.Context, cfg Config, r handshake.Reattach) (*Client, error) {
	c := &Client{cfg: cfg.withDefaults(), attached: &attachment{Reattach: r, lost: make(chan struct{})}}
	if err := c.attach(ctx, handshake.Expectation{
		AppVersions: cfg.AppVersions, Networks: cfg.Networks, Multiplex: cfg.Multiplex,
	}); err != nil {
		_ = c.Close(context.WithoutCancel(ctx)) // there is no broker yet: the plugin is not told to stop
		return nil, err
	}
	return c, nil
}

func (c *Client) attach(ctx context.Context, expected handshake.Expectation) error {
	began := time.Now()
	c.started = began
	if err := c.cfg.checkShared(); err != nil {
		return c.fail(ReasonConfig, err)
	}
	if err := c.attached.Check(expected); err != nil {
		return c.fail(ReasonReattach, err)
	}
	if c.attached.Pid != 0 {
		c.cfg.inRun(strconv.Itoa(c.attached.Pid))
	}
	c.line = handshake.Line{
		CoreVersion: handshake.CoreVersion, AppVersion: c.attached.Version(),
		Network: c.attached.Network, Address: c.attached.Address, Protocol: c.attached.Protocol,
	}
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.phases.Connect = time.Since(began)
	c.watchExit()
	c.ready()
	c.cfg.log.Debug("attached to a plugin", event.OK(event.Plugin, event.Attach), "pid", c.attached.Pid, "app_version", c.line.AppVersion,
		"network", c.line.Network, "address", c.line.Address)
	return nil
}

// watch returns when a connection that has been in use is lost, or with ctx.
// gRPC may know of the first answer before the connection says that it is ready.
func (a *attachment) watch(ctx context.Context, conn *grpc.ClientConn) {
	defer close(a.lost)
	ready := false
	for {
		state := conn.GetState()
		switch {
		case state == connectivity.Ready:
			ready = true
		case state == connectivity.Connecting && !ready:
		default:
			return
		}
		if !conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// leave ends what was done with a plugin that goes on running.
func (c *Client) leave() {
	c.broker.Close()
	c.cut()
	c.part(c.streamsEnd())
}

// lookInterval is how often a process that is none of ours is looked at.
const lookInterval = 10 * time.Millisecond

// awaitEnd waits, for the grace at most, until the process of a plugin that was
// asked to stop is gone. Nothing is done to one that stays: it is not ours.
func (a *attachment) awaitEnd(ctx context.Context, grace time.Duration) error {
	if a.Pid == os.Getpid() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for process.Alive(a.Pid) {
		select {
		case <-look.C:
		case <-bounded.Done():
			return errStays
		}
	}
	return nil
}

var errStays = errors.New("it was asked to stop, and its process is still there")

// takenStop reports whether a plugin with that answer to Shutdown may be
// expected to end. Unavailable is that of one that was quicker than its answer.
func takenStop(err error) bool {
	code := status.Code(err)
	return code == codes.OK || code == codes.Unavailable
}
