package client

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// reach pings the plugin, so that a wrong address or certificate is found now
// and not at the first call. A plugin without a health service has been
// reached all the same.
func (c *Client) reach(ctx context.Context, witness *witness) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.StartTimeout)
	defer cancel()
	err := c.Ping(ctx)
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
	default:
		return nil
	}
	if cause := witness.dialed(); cause != nil {
		return c.fail(ReasonConnect, cause)
	}
	if cause := witness.shook(); cause != nil {
		return c.fail(ReasonTLS, pki.Explain(cause))
	}
	return c.fail(ReasonConnect, err)
}

// fail makes the error for reason, with what is known of the plugin by now.
func (c *Client) fail(reason Reason, cause error) *Error {
	e := &Error{Reason: reason, Timeout: c.cfg.StartTimeout, Err: cause}
	if len(c.cfg.Command) > 0 {
		e.Command = c.cfg.Command[0]
	}
	if c.output == nil {
		return e
	}
	select {
	case <-c.output.greeted:
		e.Line = c.output.line
	default:
	}
	if reason == ReasonExited || reason == ReasonLine {
		c.settle()
	}
	select {
	case <-c.proc.Exited():
		status := c.proc.Status()
		e.Status = &status
	default:
	}
	e.Stderr = c.output.stderr.Tail()
	return e
}

// ExitStatus is how a plugin's process ended.
type ExitStatus = process.Status

// witness remembers why the last attempt to connect failed: gRPC itself tells
// only in words.
type witness struct {
	credentials.TransportCredentials

	mu            sync.Mutex
	dial, greeted error
}

// ClientHandshake is the TLS handshake, watched.
func (w *witness) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.greeted = err
	return conn, info, err
}

// Clone keeps the witness in place when gRPC copies the credentials.
func (w *witness) Clone() credentials.TransportCredentials { return w }

// noteDial remembers the outcome of a dial.
func (w *witness) noteDial(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dial = err
}

func (w *witness) dialed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dial
}

func (w *witness) shook() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.greeted
}
