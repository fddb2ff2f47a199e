package bridge

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// Preparation is what Config.Prepare works with.
type Preparation struct {
	// Environ is the program's environment, without what the bridge adds for each
	// life.
	Environ []string
	// RemoveOnDeath are directories that must not stay behind if this process is
	// killed meanwhile.
	RemoveOnDeath []string
}

// Prepared is how a program is started once it is prepared.
type Prepared struct {
	// Command takes the place of Config.Command; errors go on to tell that one.
	Command []string
	// Env is added to the program's environment, before Config.Env.
	Env []string
	// Release is called once the program has ended for good; it may be nil.
	Release func()
}

// as returns the configuration by which a prepared program is started.
func (c Config) as(p Prepared) Config {
	c.Command = p.Command
	c.Env = slices.Concat(p.Env, c.Env)
	if p.Release != nil {
		c.release = sync.OnceFunc(p.Release)
	}
	return c
}

// free lets go of what was prepared.
func (c Config) free() {
	if c.release != nil {
		c.release()
	}
}

// prepare has a program prepared that is to be started by cfg. The error is an
// *Error.
func prepare(ctx context.Context, cfg Config, remove []string) (Config, error) {
	p, err := cfg.Prepare(ctx, Preparation{Environ: append(cleanEnviron(cfg), cfg.Env...), RemoveOnDeath: remove})
	if err != nil {
		return cfg, &Error{Reason: ReasonSetup, Command: cfg.name(), Err: err}
	}
	return cfg.as(p), nil
}

// begin prepares the program and begins its first life. What it takes is part of
// no timeout; calls wait, until the host side stops.
func (l *lives) begin(host *server.Server) {
	child, _ := l.present()
	run, err := prepare(child.open, l.cfg, child.directories(host))
	if err == nil {
		l.run, child.run, child.began = run, run, time.Now()
		if err := child.start(context.Background(), host); err != nil && !l.cfg.EndWithChild { // the child keeps why
			l.cfg.log.Error("the program cannot be started", event.Failed(event.Child, event.Start), "command", l.cfg.name(), "error", err)
		}
		l.renew(host)
		return
	}
	defer l.end()
	if child.open.Err() != nil {
		child.die()
		return
	}
	if !l.cfg.EndWithChild { // else Run tells
		l.cfg.log.Error("the program cannot be prepared", event.Failed(event.Child, event.Start), "command", l.cfg.name(), "error", err)
	}
	failure, _ := err.(*Error) //nolint:errorlint // prepare returns no other
	_ = child.fail(failure)
}

// parentPoll is how often the parent process is looked at before there is a
// server, which does so then.
const parentPoll = 250 * time.Millisecond

// prepareFirst prepares a native program, whose own line is waited for: before
// the host knows anything of us. It ends when the host has gone.
func prepareFirst(ctx context.Context, cfg Config, remove []string) (Config, error) {
	if cfg.Prepare == nil {
		return cfg, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	defer func() {
		cancel()
		<-watched
	}()
	go func() {
		defer close(watched)
		look := time.NewTicker(parentPoll)
		defer look.Stop()
		for parent := os.Getppid(); cfg.Server.IgnoreHost || os.Getppid() == parent; {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return prepare(ctx, cfg, remove)
}
