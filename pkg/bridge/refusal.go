package bridge

import (
	"context"
	"fmt"
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

// check is nil once the child accepts, and else what connection says.
func (c *child) check(ctx context.Context) error {
	_, err := c.connection(ctx)
	return err
}

// refusal is the status of a call that the child will not get.
func (c *child) refusal() error {
	if failure := c.failure(); failure != nil {
		return status.Error(codes.Internal, failure.advised())
	}
	return status.Error(codes.Canceled, "the plugin is stopping")
}

// explain turns the error of a call that the child has not answered, because
// the connection is broken, into one that says what became of the child.
// Errors of a host that is gone stay as they are; ctx is that of its call.
func (c *child) explain(ctx context.Context, err error) error {
	if status.Code(err) != codes.Unavailable {
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

// usualLimit is what every gRPC library takes for one message by default.
const usualLimit = 4 << 20

// adviseLimit adds, to a child's refusal of a call with a message beyond the
// usual limit, what that limit is and who has it. Other answers of the child
// stay as they are.
func adviseLimit(err error, largest int64) error {
	answer := status.Convert(err)
	if answer.Code() != codes.ResourceExhausted || largest <= usualLimit {
		return err
	}
	advised := answer.Proto()
	advised.Message += fmt.Sprintf(" (the call carried a message of %d bytes; gRPC servers take 4 MiB unless the program "+
		"raises that, in Python by the option grpc.max_receive_message_length)", largest)
	return status.ErrorProto(advised)
}
