package bridge

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// Bridge is a plugin whose services are those of a child process.
type Bridge struct {
	cfg     Config
	server  *server.Server
	child   *child
	closing sync.Once
}

// Serve is New and Run in one.
func Serve(ctx context.Context, cfg Config) error {
	b, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	return b.Run(ctx)
}

// New negotiates with the host, listens, and starts the child. Nothing is
// printed yet. The caller calls Run, or Close when it will not. The error is a
// *server.Error or an *Error; nothing is left running then.
func New(ctx context.Context, cfg Config) (*Bridge, error) {
	b := &Bridge{cfg: cfg.withDefaults()}
	b.child = newChild(b.cfg)
	forward := &forwarder{child: b.child}
	host := b.cfg.Server
	host.Register = nil
	host.Unknown = forward.handle
	host.Schemas = append(host.Schemas, services.Schema(&childSchema{child: b.child}))
	host.Checks = map[string]func(context.Context) error{services.ProgramHealth: b.child.check}
	host.ServerOptions = append(host.ServerOptions, forward.serverOptions()...)
	missing := b.child.look()
	var err error
	b.server, err = server.New(ctx, host)
	if err == nil || !isCookie(err) { // a plugin without its host says that first
		err = cmp.Or(missing, err)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	if err = b.child.start(ctx, b.server); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func isCookie(err error) bool {
	failed, ok := errors.AsType[*server.Error](err)
	return ok && failed.Reason == server.ReasonCookie
}

// Run prints the handshake line and passes calls on until the host's Shutdown,
// Stop, the end of ctx or the end of the host. Then running calls get the
// grace, the child gets SIGTERM and, half a second later, SIGKILL. When Run
// returns no process, socket or goroutine is left. Those ends are nil; the
// error is a *server.Error, or an *Error when the child has died.
func (b *Bridge) Run(ctx context.Context) error {
	defer b.Close()
	if b.cfg.EndWithChild {
		stop := context.AfterFunc(b.child.life, b.server.Stop)
		defer stop()
	}
	err := b.server.Run(ctx)
	failure := b.child.failure()
	b.child.stop()
	if err == nil && failure != nil {
		return failure
	}
	return err
}

// Stop asks Run to end. It does not wait and may be called more than once.
func (b *Bridge) Stop() { b.server.Stop() }

// Kill asks Run to end without waiting for running calls or the child. It does
// not wait and may be called more than once.
func (b *Bridge) Kill() {
	b.child.haste.hurry()
	b.server.Kill()
}

// Line returns the handshake line that Run prints.
func (b *Bridge) Line() handshake.Line { return b.server.Line() }

// Reattach returns what a host needs to attach to this plugin.
func (b *Bridge) Reattach() handshake.Reattach { return b.server.Reattach() }

// Close ends child and server of a Bridge whose Run is not called. After Run
// it does nothing.
func (b *Bridge) Close() {
	b.closing.Do(func() {
		if b.server != nil {
			b.server.Close()
		}
		b.child.haste.hurry()
		b.child.stop()
	})
}
