package bridge

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/childlog"
	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// wordsWait is how long the last lines of a dead child's stderr are waited for.
const wordsWait = 300 * time.Millisecond

// child is one life of the program behind the bridge: its process, its socket
// and the way to it. start makes it, stop ends it.
type child struct {
	cfg   Config
	run   Config             // cfg as it was prepared
	life  context.Context    // ends when the child is dead or given up
	die   context.CancelFunc // ends life
	open  context.Context    // ends with life, or when the host side stops
	haste *haste
	mourn func(*Error) // tells of its death, before calls are told
	tasks sync.WaitGroup
	began time.Time

	dir    *transport.PrivateDir // nil with tcp
	proc   *process.Process
	log    *childlog.Log
	link   *link           // to the child
	ready  chan struct{}   // closed once it has accepted
	host   <-chan struct{} // closed when the host side stops
	schema childSchema

	mu     sync.Mutex
	failed *Error // why the child is of no use, nil while it is
}

// haste skips the waiting of a stop.
type haste struct {
	ctx   context.Context
	hurry context.CancelFunc
}

func newHaste() *haste {
	h := &haste{}
	h.ctx, h.hurry = context.WithCancel(context.Background())
	return h
}

func newChild(cfg Config, haste *haste, mourn func(*Error)) *child {
	c := &child{cfg: cfg, run: cfg, haste: haste, mourn: mourn, began: time.Now(), ready: make(chan struct{})}
	c.life, c.die = context.WithCancel(context.Background())
	c.open = c.life
	c.schema.dial, c.schema.open = c.dial, func() context.Context { return c.open }
	return c
}

// attach has the child end with the host side. It comes before start, and before
// anybody else knows of the child.
func (c *child) attach(host *server.Server) {
	c.host = host.Stopping()
	open, shut := context.WithCancel(c.life)
	c.open = open
	c.tasks.Go(func() {
		defer shut()
		select {
		case <-c.host:
		case <-c.life.Done():
		}
	})
}

// start launches the process with an address of its own. Calls wait until the
// child accepts there.
func (c *child) start(ctx context.Context, host *server.Server) error {
	at, err := c.address(ctx)
	if err != nil {
		return c.fail(&Error{Reason: ReasonPrepare, Command: c.cfg.name(), Err: err})
	}
	c.proc, err = process.Start(process.Config{
		Command:       c.run.Command,
		Env:           childEnviron(c.run, at, host.AppVersion()),
		Guard:         true,
		RemoveOnDeath: c.directories(host),
		Logger:        c.cfg.Logger,
	})
	if err != nil {
		return c.fail(&Error{Reason: ReasonCommand, Command: c.cfg.name(), Err: err})
	}
	c.cfg.log.Debug("child started", event.OK(event.Child, event.Start), "command", c.cfg.name(), "pid", c.proc.Pid(), "address", at.Target())
	c.log = childlog.Read(c.proc.Stderr(), c.cfg.Logger)
	c.link = newLink(at)
	c.tasks.Go(func() { relay(host.Stdio().Stdout(), c.proc.Stdout()) })
	c.tasks.Go(c.await)
	c.tasks.Go(c.watch)
	return nil
}

// address chooses where the child is to listen.
func (c *child) address(ctx context.Context) (transport.Endpoint, error) {
	if c.cfg.ChildNetwork == handshake.NetworkTCP {
		return freePort(ctx)
	}
	const name = "child.sock"
	dir, err := transport.NewPrivateDir("", "", len(name))
	if err != nil {
		return transport.Endpoint{}, err
	}
	c.dir = dir
	return transport.Endpoint{Network: handshake.NetworkUnix, Address: dir.Path(name)}, nil
}

// directories are what must not stay behind if the bridge is killed.
func (c *child) directories(host *server.Server) []string {
	var dirs []string
	if c.dir != nil {
		dirs = append(dirs, c.dir.Dir())
	}
	if dir := host.Leftover(); dir != "" {
		dirs = append(dirs, dir)
	}
	return dirs
}

// relay passes the child's stdout on, and reads on when nobody takes it, so
// that the child never blocks.
func relay(host io.Writer, stdout io.Reader) {
	if _, err := io.Copy(host, stdout); err != nil {
		_, _ = io.Copy(io.Discard, stdout)
	}
}

// await connects to the child as soon as it accepts.
func (c *child) await() {
	ctx, cancel := context.WithTimeout(c.life, c.cfg.ListenTimeout)
	defer cancel()
	err := c.link.open(ctx)
	switch {
	case err == nil:
		c.cfg.log.Debug("child accepts", event.OK(event.Child, event.Listen), "command", c.cfg.name(), "took", time.Since(c.began).Round(time.Millisecond))
		close(c.ready)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		_ = c.fail(&Error{
			Reason: ReasonListen, Command: c.cfg.name(), Timeout: c.cfg.ListenTimeout,
			Address: c.link.at.Target(), Stderr: c.log.Tail(),
		})
		c.proc.Stop(c.haste.ctx, stopGrace)
	case c.life.Err() == nil:
		_ = c.fail(&Error{Reason: ReasonPrepare, Command: c.cfg.name(), Err: err})
	}
}

// watch waits for the end of the process and makes it known.
func (c *child) watch() {
	select {
	case <-c.proc.Exited():
	case <-c.haste.ctx.Done():
		return // stop sees to it
	}
	select {
	case <-c.host: // it was asked to end
		c.die()
		return
	case <-c.life.Done(): // it was given up before, and told why
		return
	default:
	}
	words := time.NewTimer(wordsWait)
	defer words.Stop()
	select {
	case <-c.log.Done():
	case <-words.C:
	}
	exit := c.proc.Status()
	failure := &Error{Reason: ReasonExited, Command: c.cfg.name(), Status: &exit, Accepted: c.accepted(), Stderr: c.log.Tail()}
	c.mourn(failure)
	_ = c.fail(failure)
}

func (c *child) accepted() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// fail records why the child is of no use, once, and ends its life.
func (c *child) fail(failure *Error) error {
	c.mu.Lock()
	if c.failed == nil {
		c.failed = failure
	}
	failure = c.failed
	c.mu.Unlock()
	c.die()
	return failure
}

// failure returns why the child is of no use, nil while it is.
func (c *child) failure() *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// stop ends the process and all that belongs to it, and waits for that.
func (c *child) stop() {
	if c.proc != nil {
		c.proc.Stop(c.haste.ctx, stopGrace)
	}
	c.die()
	if c.proc != nil {
		if err := c.proc.Close(); err != nil {
			c.cfg.log.Debug("cleaning up the child", event.Failed(event.Child, event.Clean), "error", err)
		}
	}
	c.tasks.Wait()
	c.schema.close()
	if c.log != nil {
		<-c.log.Done()
	}
	if c.link != nil {
		c.link.close()
	}
	if c.dir != nil {
		if err := c.dir.Close(); err != nil {
			c.cfg.log.Debug("removing the child's directory", event.Failed(event.Socket, event.Clean), "error", err)
		}
	}
}
