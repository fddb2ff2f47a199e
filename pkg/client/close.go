package client

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/services"
)

const (
	// settleTime is how long the plugin's last words are waited for when its
	// start has failed.
	settleTime = 500 * time.Millisecond
	// killGrace is how long SIGTERM is given before SIGKILL.
	killGrace = 500 * time.Millisecond
)

// Close stops the plugin: broker and stdio end, Shutdown is called, the
// connection is closed, the process gets StopGrace to end by itself, then
// SIGTERM, then SIGKILL to its whole group. When it returns, process, socket
// and goroutines are gone. The end of ctx skips the waiting. It may be called
// more than once; the error is that of cleaning up.
//
// A plugin that was attached to gets no signal. With Test true it is not even
// asked to stop: only the connection ends. With Test false Shutdown is called,
// and its process, if the Reattach names one, is waited for; each of the two may
// take StopGrace.
func (c *Client) Close(ctx context.Context) error {
	c.closing.Do(func() { c.closed = c.end(ctx) })
	return c.closed
}

func (c *Client) end(ctx context.Context) error {
	var asked error // the answer to Shutdown
	switch {
	case c.broker == nil: // it was not reached
	case c.attached != nil && c.attached.Test:
		c.leave()
	default:
		asked = c.shutdown(ctx)
	}
	if c.conn != nil {
		if err := c.conn.Close(); err != nil {
			c.cfg.Logger.Debug("closing the connection", "error", err)
		}
	}
	if c.mux != nil {
		if err := c.mux.Close(); err != nil {
			c.cfg.Logger.Debug("closing the multiplexed session", "error", err)
		}
	}
	if c.proc != nil {
		c.proc.Stop(ctx, killGrace)
		c.settle()
		if err := c.proc.Close(); err != nil {
			c.cfg.Logger.Debug("cleaning up the process", "error", err)
		}
		c.output.wait()
	}
	if c.attached != nil && c.broker != nil && !c.attached.Test && takenStop(asked) {
		if err := c.attached.awaitEnd(ctx, c.cfg.StopGrace); err != nil {
			c.cfg.Logger.Warn("the plugin that was attached to", "pid", c.attached.Pid, "error", err)
		}
	}
	if c.socket != nil {
		return c.socket.Close()
	}
	return nil
}

// shutdown asks the plugin to stop and gives it the grace to do so. stdio ends
// with the plugin: what it still prints is wanted. The error is the answer.
func (c *Client) shutdown(ctx context.Context) error {
	c.broker.Close()
	asked, cancel := context.WithTimeout(ctx, c.cfg.StopGrace)
	defer cancel()
	err := services.Shutdown(asked, c.conn)
	if err != nil {
		c.cfg.Logger.Debug("the plugin did not answer Shutdown", "error", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.streams.Wait()
	}()
	switch status.Code(err) {
	case codes.Unimplemented: // it knows of no stop but SIGTERM
	case codes.DeadlineExceeded: // it had its grace, and used it to say nothing
	default:
		grace := time.NewTimer(c.cfg.StopGrace)
		defer grace.Stop()
		await(ctx, grace.C, ended, c.Exited())
	}
	c.cut()
	<-ended
	return err
}

// settle waits a moment for the end of a plugin and its last words.
func (c *Client) settle() {
	moment := time.NewTimer(settleTime)
	defer moment.Stop()
	await(context.Background(), moment.C, c.proc.Exited(), c.output.stderr.Done())
}

// await waits until all of ended are closed, time is up, or ctx is done.
func await(ctx context.Context, timeUp <-chan time.Time, ended ...<-chan struct{}) {
	for _, end := range ended {
		select {
		case <-end:
		case <-timeUp:
			return
		case <-ctx.Done():
			return
		}
	}
}
