package bridge

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// deathWait is how long a child that broke its connection is given to be known
// as dead.
const deathWait = time.Second

// connection returns the connection to the child once it accepts. The error is
// a gRPC status: why it never will, or that the caller has given up.
func (c *child) connection(ctx context.Context) (*grpc.ClientConn, error) {
	select {
	case <-c.life.Done(): // even if it did accept: its address may be another's now
		return nil, c.refusal()
	default:
	}
	select {
	case <-c.ready:
		return c.conn, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	case <-c.host:
		return nil, c.refusal()
	case <-c.life.Done():
		return nil, c.refusal()
	}
}

// refusal is the status of a call that the child will not get.
func (c *child) refusal() error {
	if failure := c.failure(); failure != nil {
		return status.Error(codes.Internal, failure.Error())
	}
	return status.Error(codes.Canceled, "the plugin is stopping")
}

// explain turns the error of a call that the child has not answered, because
// the connection is broken, into one that says what became of the child.
// Answers of the child itself stay as they are, and so do errors of a host that
// is gone; ctx is that of its call.
func (c *child) explain(ctx context.Context, err error, answered bool) error {
	if answered || status.Code(err) != codes.Unavailable {
		return err
	}
	dead := time.NewTimer(deathWait)
	defer dead.Stop()
	select {
	case <-c.life.Done():
	case <-dead.C:
	case <-ctx.Done():
		return err
	}
	if failure := c.failure(); failure != nil {
		return status.Error(codes.Internal, failure.Error())
	}
	lost := &Error{Reason: ReasonLost, Command: c.cfg.name(), Stderr: c.log.Tail(), Err: err}
	return status.Error(codes.Internal, lost.Error())
}
