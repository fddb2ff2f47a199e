package client

import (
	"context"
	"errors"
	"io"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// reach opens the connection, so that a wrong address or certificate is found
// now and not at the first call. If that fails, a ping says why. A plugin without
// a health service has been reached all the same.
func (c *Client) reach(ctx context.Context, witness *witness) error {
	bounded, cancel := context.WithTimeout(ctx, c.cfg.StartTimeout)
	defer cancel()
	if c.opens(bounded) {
		return nil
	}
	err := c.Ping(bounded)
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
	default:
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return c.fail(ReasonCanceled, cause)
	}
	if cause := witness.dialed(); cause != nil {
		return c.fail(ReasonConnect, cause)
	}
	if cause := witness.shook(); cause != nil {
		if failed := c.deserted(cause); failed != nil {
			return failed
		}
		if c.cfg.TLSConfig == nil {
			cause = pki.Explain(cause) // in the words of AutoMTLS
		}
		return c.fail(ReasonTLS, cause)
	}
	failed := c.fail(ReasonConnect, err)
	failed.mute = c.tls == nil
	return failed
}

// deserted is the error of a plugin that has ended in the middle of the TLS
// handshake, which says nothing of certificates; nil if it lives.
func (c *Client) deserted(cause error) *Error {
	lost := errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) ||
		errors.Is(cause, syscall.ECONNRESET) || errors.Is(cause, syscall.EPIPE)
	if !lost {
		return nil
	}
	failed := c.fail(ReasonConnect, cause) // which waits a moment for its end
	if failed.Status == nil {
		return nil
	}
	return failed
}

// opens reports whether the connection is up: a server begins HTTP/2 when it has
// taken our certificate.
func (c *Client) opens(ctx context.Context) bool {
	c.conn.Connect()
	for {
		switch state := c.conn.GetState(); state {
		case connectivity.Ready:
			return true
		case connectivity.TransientFailure, connectivity.Shutdown:
			return false
		default:
			if !c.conn.WaitForStateChange(ctx, state) {
				return false
			}
		}
	}
}

// fail makes the error for reason, with what is known of the plugin by now.
func (c *Client) fail(reason Reason, cause error) *Error {
	e := &Error{Reason: reason, Timeout: c.cfg.StartTimeout, Err: cause, manual: c.cfg.TLSConfig != nil}
	switch {
	case c.attached != nil:
		e.Address = c.attached.Address
	case len(c.cfg.Command) > 0:
		e.Command = c.cfg.Command[0]
	}
	if c.output == nil {
		return e
	}
	select {
	case <-c.output.greeted:
		e.Line = c.output.line
	default:
		e.Line = c.output.partial.String()
	}
	if reason == ReasonExited || reason == ReasonLine || reason == ReasonConnect {
		c.settle() // a plugin that crashes behind its line cannot be reached
	}
	select {
	case <-c.proc.Exited():
		status := c.proc.Status()
		e.Status = &status
	default:
	}
	e.Stderr, e.Crash = c.output.stderr.Tail(), c.output.stderr.Crash()
	_, local := c.cfg.Runner.(LocalRunner)
	if (local || c.cfg.Runner == nil) && errors.Is(cause, &handshake.Error{Reason: handshake.ReasonFieldCount}) {
		e.Program = process.Describe(e.Command)
	}
	return e
}
