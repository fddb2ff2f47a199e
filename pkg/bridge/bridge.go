package bridge

import (
	"cmp"
	"context"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// Bridge is a plugin whose services are those of a child process.
type Bridge struct {
	cfg     Config
	server  *server.Server
	program program
	admit   func(method string) error // keeps the RateLimit; nil without
	closing sync.Once
}

// program is what is behind a bridge: lives is a plain one.
type program interface {
	// dial opens a connection to the program for calls, HTTP/2 without TLS, as
	// soon as it accepts. An error that is a gRPC status is that of the calls.
	dial(ctx context.Context) (net.Conn, error)
	// spoke is called when the program has begun HTTP/2 on such a connection.
	spoke()
	// refuse is the status of calls that the program will not answer, because
	// dial failed or a connection broke for err.
	refuse(ctx context.Context, err error) *status.Status
	// check is nil once the program accepts, and else what dial says.
	check(ctx context.Context) error
	// failure returns why the program is of no use, nil while it is.
	failure() *Error
	// ended is closed when the program is gone for good.
	ended() <-chan struct{}
	// hurry skips the waiting of stop.
	hurry()
	// stop ends the program and waits for that.
	stop()
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
// printed yet. A native child is started first, and waited for: its line says
// what ours does. The caller calls Run, or Close when it will not. The error is a
// *server.Error or an *Error; nothing is left running then.
func New(ctx context.Context, cfg Config) (*Bridge, error) {
	b := &Bridge{cfg: cfg.withDefaults()}
	host := b.cfg.Server
	b.admit = host.RateLimit.Admit()
	host.Register = nil
	host.Versions = nil
	host.Carry = b.carry
	start := b.startPlain
	if b.cfg.Kind != KindPlain {
		start = b.startNative
	}
	if err := start(ctx, host); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bridge) startPlain(ctx context.Context, host server.Config) error {
	plain := newLives(b.cfg)
	b.program = plain
	host.Schemas = append(host.Schemas, services.Schema(programSchema{lives: plain}))
	host.Checks = programHealth(plain)
	missing := plain.look()
	var err error
	b.server, err = server.New(ctx, host)
	if err == nil || !isCookie(err) { // a plugin without its host says that first
		err = cmp.Or(missing, err)
	}
	if err != nil {
		return err
	}
	return plain.start(ctx, b.server)
}

func programHealth(p program) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{services.ProgramHealth: p.check}
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
		watched := make(chan struct{})
		defer func() { <-watched }()
		go func() {
			defer close(watched)
			select {
			case <-b.program.ended():
				b.server.Stop()
			case <-b.server.Stopping():
			}
		}()
	}
	err := b.server.Run(ctx)
	failure := b.program.failure()
	b.program.stop()
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
	b.program.hurry()
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
		b.program.hurry()
		b.program.stop()
	})
}
