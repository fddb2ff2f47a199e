package client

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pyvider/rpcplugin/internal/event"
)

// Supervisor keeps a plugin running: it starts it, notices its end, and starts
// it again, with pauses, as its Restart says. Supervise makes it and Close ends
// it. Its methods may be called concurrently.
type Supervisor struct {
	cfg    Config // with defaults
	policy Restart
	start  func(context.Context, Config) (*Client, error)

	stop    context.CancelFunc
	done    chan struct{} // closed when run has returned
	closing sync.Once
	closed  error

	mu       sync.Mutex
	changed  chan struct{} // closed, and replaced, when current or gaveUp changes
	current  *Client       // nil while there is none
	last     error         // the last failure
	attempts int           // of this series
	began    time.Time     // of this series
	starts   int           // of plugins that became ready
	gaveUp   *RestartError // set once
}

// Supervise starts a plugin in the background and keeps it running. The first
// start is tried as often as later ones. The caller calls Close.
func Supervise(cfg Config, restart Restart) *Supervisor {
	return supervise(cfg, restart, Start)
}

func supervise(cfg Config, restart Restart, start func(context.Context, Config) (*Client, error)) *Supervisor {
	ctx, stop := context.WithCancel(context.Background())
	s := &Supervisor{
		cfg: cfg.withDefaults(), policy: restart.withDefaults(), start: start,
		stop: stop, done: make(chan struct{}), changed: make(chan struct{}),
	}
	go s.run(ctx)
	return s
}

// Client returns the plugin that is ready now; while it is being started, it is
// waited for until ctx ends. It belongs to the Supervisor: do not close it, and
// do not keep it, as it is another one after a restart. The error is a
// *RestartError.
func (s *Supervisor) Client(ctx context.Context) (*Client, error) {
	for {
		c, changed, err := s.look()
		if err != nil {
			return nil, err
		}
		if c != nil && c.State() == StateReady {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			return nil, s.failure(RestartCanceled, ctx.Err())
		}
	}
}

// look returns what there is now, and what tells when that is no longer so.
func (s *Supervisor) look() (*Client, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp != nil {
		return nil, nil, s.gaveUp
	}
	return s.current, s.changed, nil
}

// Done is closed when the Supervisor has given up, or was closed; Err says why
// then.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Err returns nil while the plugin is kept running, and then a *RestartError.
func (s *Supervisor) Err() error {
	_, _, err := s.look()
	return err
}

// Close stops the plugin as [Client.Close] does, with ctx, and starts it no more.
// When it returns, plugin and goroutines are gone. It may be called more than
// once; the error is that of closing the plugin.
func (s *Supervisor) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.stop()
		<-s.done
		if s.current != nil { // nobody but run has changed it
			s.closed = s.current.Close(ctx)
		}
	})
	return s.closed
}

// run keeps the plugin running until it gives up or is stopped.
func (s *Supervisor) run(ctx context.Context) {
	defer close(s.done)
	for {
		s.change(func() { s.attempts, s.began = 0, time.Now() })
		stable, err := backoff.Retry(ctx, func() (*Client, error) { return s.attempt(ctx) }, s.policy.options(s.pause)...)
		if err == nil {
			err = s.outlive(ctx, stable, nil)
		}
		switch {
		case ctx.Err() != nil:
			s.giveUp(RestartClosed)
			return
		case stable != nil: // it has ended, after all
			s.cfg.log.Warn("the plugin ended and is started again", event.Retry(event.Plugin, event.Start), "error", err)
		case heals(err):
			s.giveUp(RestartExhausted)
			return
		default:
			s.giveUp(RestartFutile)
			return
		}
	}
}

// attempt starts the plugin. It returns when the plugin has stayed up for long
// enough, or else why not.
func (s *Supervisor) attempt(ctx context.Context) (*Client, error) {
	s.change(func() { s.attempts++ })
	c, err := s.start(ctx, s.cfg)
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.change(func() { s.last = err })
		if !heals(err) {
			err = backoff.Permanent(err)
		}
		return nil, err
	}
	s.change(func() {
		c.restarts = s.starts
		s.starts++
		s.current = c
	})
	stable := time.NewTimer(s.policy.Stable)
	defer stable.Stop()
	if err := s.outlive(ctx, c, stable.C); err != nil {
		return nil, err
	}
	return c, nil
}

// outlive waits for the end of a plugin, cleans up after it, and returns how it
// ended; nil if enough came before. The end of ctx leaves the plugin to Close.
func (s *Supervisor) outlive(ctx context.Context, c *Client, enough <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-enough:
		return nil
	case <-c.Exited():
	}
	status, stderr := c.LastWords()
	ended := &ExitError{Status: status, Up: time.Since(c.started), Stderr: stderr, Crash: c.Crash(), Command: s.command()}
	s.change(func() { s.current, s.last = nil, ended })
	if err := c.Close(ctx); err != nil {
		s.cfg.log.Warn("cleaning up after a plugin", event.Failed(event.Plugin, event.Clean), "error", err)
	}
	return ended
}

// pause tells of a pause that begins.
func (s *Supervisor) pause(err error, pause time.Duration) {
	s.cfg.log.Warn("the plugin is started again", event.Retry(event.Plugin, event.Start), "attempt", s.attempts, "pause", pause, "error", err)
	call(s.cfg.Trace.Restart, RestartInfo{Attempt: s.attempts, Pause: pause, Err: err})
}

// giveUp is the end of run.
func (s *Supervisor) giveUp(reason RestartReason) {
	s.change(func() { s.gaveUp = s.failure(reason, nil) })
}

// failure is what there is to tell now; it needs s.mu.
func (s *Supervisor) failure(reason RestartReason, err error) *RestartError {
	return &RestartError{
		Reason: reason, Command: s.command(), Attempts: s.attempts, Took: time.Since(s.began), Last: s.last, Err: err,
	}
}

// change makes a change and wakes who waits for it.
func (s *Supervisor) change(apply func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	apply()
	close(s.changed)
	s.changed = make(chan struct{})
}

// command is the plugin's program, for errors.
func (s *Supervisor) command() string {
	if len(s.cfg.Command) == 0 {
		return ""
	}
	return s.cfg.Command[0]
}
