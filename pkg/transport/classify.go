package transport

import (
	"context"
	"errors"
	"io/fs"
	"net"
)

// classify makes an [*Error] of what the system said about address. ctx is the
// context of the operation: if it ended, that is the reason.
func classify(ctx context.Context, address string, err error) *Error {
	out := &Error{Reason: ReasonSystem, Found: address, Err: err}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(context.Cause(ctx), net.ErrClosed):
		out.Reason, out.Err = ReasonClosed, context.Cause(ctx)
	case errors.Is(ctx.Err(), context.Canceled):
		out.Reason, out.Err = ReasonCanceled, ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		out.Reason, out.Err = ReasonTimeout, context.DeadlineExceeded
	case errors.As(err, &dns):
		out.Reason, out.Expected = ReasonAddress, "a host name that resolves"
	case isRefused(err):
		out.Reason = ReasonRefused
	case isInUse(err):
		out.Reason = ReasonInUse
	case isUnavailable(err):
		out.Reason, out.Expected = ReasonAddress, "an address of this machine"
	case errors.Is(err, fs.ErrNotExist):
		out.Reason = ReasonNotFound
	case isForbidden(err):
		out.Reason = ReasonPermission
	}
	return out
}
