package bridge

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// deathWait is how long a child that broke its connection is given to be
	// known as dead.
	deathWait = time.Second
	// redialWait is how long a living child that has accepted before may refuse.
	redialWait = time.Second
)

// dial opens a connection to the child once it accepts. The error is a gRPC
// status: why it never will, or that the caller has given up.
func (c *child) dial(ctx context.Context) (net.Conn, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, redialWait)
	defer cancel()
	stop := context.AfterFunc(c.life, cancel)
	defer stop()
	return c.link.dial(bounded)
}

// check is nil once the child accepts. The error is a gRPC status, as of dial.
func (c *child) check(ctx context.Context) error {
	select {
	case <-c.life.Done(): // even if it did accept: its address may be another's now
		return c.refusal()
	default:
	}
	select {
	case <-c.ready:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-c.host:
		return c.refusal()
	case <-c.life.Done():
		return c.refusal()
	}
}

// refusal is the status of a call that the child will not get.
func (c *child) refusal() error {
	if failure := c.failure(); failure != nil {
		return status.Error(c.cfg.DeathCode, failure.advised())
	}
	return status.Error(codes.Canceled, "the plugin is stopping")
}

// explain says what became of a child whose connection broke for err.
func (c *child) explain(ctx context.Context, err error) *status.Status {
	if failure := c.demise(ctx); failure != nil {
		return status.New(c.cfg.DeathCode, failure.Error())
	}
	lost := &Error{Reason: ReasonLost, Command: c.cfg.name(), Stderr: c.log.Tail(), Err: err}
	return status.New(c.cfg.DeathCode, lost.Error())
}

// demise is how a child ended whose connection broke: nil if that does not show
// within a moment.
func (c *child) demise(ctx context.Context) *Error {
	dead := time.NewTimer(deathWait)
	defer dead.Stop()
	select {
	case <-c.life.Done():
	case <-dead.C:
	case <-ctx.Done():
	}
	return c.failure()
}
