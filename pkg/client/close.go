package client

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/services"
)

const (
	// settleTime is how long the plugin's last words are waited for when its
	// start has failed.
	settleTime = 500 * time.Millisecond
	// killGrace is how long SIGTERM is given before SIGKILL.
	killGrace = 500 * time.Millisecond
	// partTime is how long a writer may take that was given the plugin's output.
	partTime = 500 * time.Millisecond
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
	c.beginStop()
	defer c.endWatch()
	var asked error        // the answer to Shutdown
	var patience time.Time // until when the plugin may end by itself
	switch {
	case c.broker == nil: // it was not reached
	case c.attached != nil && c.attached.Test:
		c.leave()
	default:
		c.retire()
		patience, asked = c.shutdown(ctx)
	}
	if c.conn != nil {
		if err := c.conn.Close(); err != nil {
			c.cfg.log.Debug("closing the connection", event.Failed(event.Connection, event.Clean), "error", err)
		}
	}
	if c.mux != nil {
		if err := c.mux.Close(); err != nil {
			c.cfg.log.Debug("closing the multiplexed session", event.Failed(event.Connection, event.Clean), "error", err)
		}
	}
	if c.held != nil {
		c.held.close()
	}
	removed := func() error { return nil }
	if c.socket != nil {
		defer c.socket.Close()
	}
	if c.proc != nil {
		c.outlast(ctx, patience)
		c.traceTerminate()
		c.proc.Stop(ctx, killGrace)
		removed = c.removeSocket()
		c.settle()
		if err := c.proc.Close(); err != nil {
			c.cfg.log.Debug("cleaning up the process", event.Failed(event.Plugin, event.Clean), "error", err)
		}
		c.output.wait()
	}
	if c.attached != nil && c.broker != nil && !c.attached.Test && takenStop(asked) {
		if err := c.attached.awaitEnd(ctx, c.cfg.StopGrace); err != nil {
			c.cfg.log.Warn("the plugin that was attached to", event.Failed(event.Plugin, event.Stop), "pid", c.attached.Pid, "error", err)
		}
	}
	return removed()
}

// retire tells who guards the process that its end is wanted.
func (c *Client) retire() {
	if guarded, ok := c.proc.(interface{ Retire() }); ok {
		guarded.Retire()
	}
}

// removeSocket removes the directory of the plugin's socket. What it returns
// waits for that.
func (c *Client) removeSocket() func() error {
	removed := make(chan error, 1)
	go func() { removed <- c.socket.Close() }()
	return func() error { return <-removed }
}

// outlast waits for the end of the process, until then at the latest.
func (c *Client) outlast(ctx context.Context, until time.Time) {
	patience := time.NewTimer(time.Until(until))
	defer patience.Stop()
	await(ctx, patience.C, c.proc.Exited())
}

// shutdown asks the plugin to stop and waits for what it still prints, the grace
// at most. It returns the answer, and until when the plugin may end by itself.
func (c *Client) shutdown(ctx context.Context) (patience time.Time, answer error) {
	c.broker.Close()
	asked, cancel := context.WithTimeout(ctx, c.cfg.StopGrace)
	defer cancel()
	call(c.cfg.Trace.ShutdownStart, c.cfg.StopGrace)
	err := services.Shutdown(asked, c.conn)
	call(c.cfg.Trace.ShutdownDone, err)
	if err != nil {
		c.cfg.log.Debug("the plugin did not answer Shutdown", event.Failed(event.Plugin, event.Stop), "error", err)
	}
	ended := c.streamsEnd()
	switch status.Code(err) {
	case codes.Unimplemented: // it knows of no stop but SIGTERM
	case codes.DeadlineExceeded: // it had its grace, and used it to say nothing
	default:
		patience = time.Now().Add(c.cfg.StopGrace)
		grace := time.NewTimer(c.cfg.StopGrace)
		defer grace.Stop()
		await(ctx, grace.C, ended)
	}
	c.cut()
	c.part(ended)
	return patience, err
}

// streamsEnd is closed when the streams have ended.
func (c *Client) streamsEnd() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.streams.Wait()
	}()
	return ended
}

// part waits for the end of streams that were cut. One whose writer does not
// return must not hold up the plugin's end.
func (c *Client) part(ended <-chan struct{}) {
	patience := time.NewTimer(partTime)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		c.cfg.log.Warn("a writer of the plugin's output does not return; it is left behind", event.TimedOut(event.Stdio, event.Relay))
	}
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
