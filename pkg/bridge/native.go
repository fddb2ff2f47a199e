package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// native is a program that speaks go-plugin's protocol itself, and whose host we
// are.
type native struct {
	cfg    Config
	run    Config // cfg as it was prepared
	haste  *haste
	life   context.Context // ends when the program is dead or given up
	die    context.CancelFunc
	tasks  sync.WaitGroup
	client *client.Client // nil before start
	schema childSchema

	dir            *transport.PrivateDir // of all sockets toward the host; nil if there are none
	stdout, stderr *lateWriter
	host           <-chan struct{} // closed when the host side stops; nil before serve

	mu     sync.Mutex
	failed *Error // why the program is of no use, nil while it is
}

func newNative(cfg Config) *native {
	n := &native{cfg: cfg, haste: newHaste(), stdout: newLateWriter(), stderr: newLateWriter()}
	n.life, n.die = context.WithCancel(context.Background())
	n.schema.dial, n.schema.open = n.dial, func() context.Context { return n.life }
	return n
}

// checkConfig finds what cannot be meant, before anything is started.
func (n *native) checkConfig() *Error {
	switch {
	case n.cfg.Kind != KindNative:
		return n.badConfig("the kind of the program is %q, expected %q or %q", n.cfg.Kind, KindPlain, KindNative)
	case n.cfg.Restarts != 0:
		return n.badConfig("restarts are set to %d, expected 0: a native program cannot be started again", n.cfg.Restarts)
	}
	var command string
	if len(n.cfg.Command) > 0 {
		command = n.cfg.Command[0]
	}
	if _, err := process.Look(command); err != nil {
		return &Error{Reason: ReasonCommand, Command: n.cfg.name(), Err: err}
	}
	return nil
}

func (n *native) badConfig(format string, args ...any) *Error {
	return &Error{Reason: ReasonConfig, Command: n.cfg.name(), Err: fmt.Errorf(format, args...)}
}

// serve begins what goes on between the program and the host, once that side is
// there.
func (n *native) serve(host *server.Server) {
	n.host = host.Stopping()
	n.stdout.open(host.Stdio().Stdout())
	n.stderr.open(host.Stdio().Stderr())
	n.tasks.Go(func() { services.Relay(n.life, host.Broker(), n.client.Broker(), n.cfg.Logger) })
	n.tasks.Go(n.watch)
	n.tasks.Go(n.press)
}

// press sees that a stop ends in time, however long its parts take.
func (n *native) press() {
	select {
	case <-n.host:
	case <-n.haste.ctx.Done():
		return
	}
	grace := n.cfg.Server.Grace
	if grace == 0 {
		grace = server.DefaultGrace
	}
	late := time.NewTimer(grace + nativeGrace)
	defer late.Stop()
	select {
	case <-late.C:
		n.haste.hurry()
	case <-n.haste.ctx.Done():
	}
}

// watch waits for the end of the process and makes it known.
func (n *native) watch() {
	select {
	case <-n.client.Exited():
	case <-n.haste.ctx.Done():
		return // stop sees to it
	}
	select {
	case <-n.host: // it was asked to end
		n.die()
		return
	default:
	}
	exit, words := n.client.LastWords()
	failure := &Error{Reason: ReasonExited, Command: n.cfg.name(), Status: &exit, Accepted: true, Stderr: words}
	if n.cfg.CrashReport == io.Discard {
		n.cfg.log.Error("the child has died", event.Failed(event.Child, event.Run), "command", n.cfg.name(), "status", exit.String())
	}
	_, _ = io.WriteString(n.cfg.CrashReport, failure.report())
	n.mu.Lock()
	n.failed = failure
	n.mu.Unlock()
	n.die()
}

// dial opens a connection to the program's main server.
func (n *native) dial(ctx context.Context) (net.Conn, error) {
	if err := n.check(ctx); err != nil {
		return nil, err
	}
	return n.client.DialMain(ctx)
}

// check is nil while the program lives: it has answered a ping before.
func (n *native) check(context.Context) error {
	if n.life.Err() != nil {
		return n.refusal()
	}
	return nil
}

// refusal is the status of a call that the program will not get.
func (n *native) refusal() error {
	if failure := n.failure(); failure != nil {
		return status.Error(n.cfg.DeathCode, failure.Error())
	}
	return status.Error(codes.Canceled, "the plugin is stopping")
}

// refuse says what became of a program that broke its connection for err, or
// could not be dialed.
func (n *native) refuse(ctx context.Context, err error) *status.Status {
	if refusal, ok := status.FromError(err); ok {
		return refusal
	}
	dead := time.NewTimer(deathWait)
	defer dead.Stop()
	select {
	case <-n.life.Done():
	case <-dead.C:
	case <-ctx.Done():
	}
	if failure := n.failure(); failure != nil {
		return status.New(n.cfg.DeathCode, failure.Error())
	}
	lost := &Error{Reason: ReasonLost, Command: n.cfg.name(), Err: err}
	return status.New(n.cfg.DeathCode, lost.Error())
}

func (*native) spoke() {}

func (n *native) failure() *Error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failed
}

func (n *native) ended() <-chan struct{} { return n.life.Done() }

func (n *native) hurry() { n.haste.hurry() }

// stop has the program end as its host does: Shutdown, SIGTERM, SIGKILL.
func (n *native) stop() {
	n.stdout.open(io.Discard) // if it was never opened
	n.stderr.open(io.Discard)
	if n.client != nil {
		n.schema.close()
		if err := n.client.Close(n.haste.ctx); err != nil {
			n.cfg.log.Debug("cleaning up the child", event.Failed(event.Child, event.Clean), "error", err)
		}
	}
	n.die()
	n.haste.hurry()
	n.tasks.Wait()
	n.run.free()
	if n.dir != nil {
		if err := n.dir.Close(); err != nil {
			n.cfg.log.Debug("removing the directory of the sockets", event.Failed(event.Socket, event.Clean), "error", err)
		}
	}
}

// adviceOf is what a native program's failure advises, without its last words,
// which the Error tells.
func adviceOf(err error) string {
	failed, ok := errors.AsType[*client.Error](err)
	if !ok {
		return ""
	}
	wordless := *failed
	wordless.Stderr, wordless.Crash = nil, ""
	if wordless.Reason == client.ReasonTimeout {
		return "a native program prints a handshake line; a plain gRPC server is served as a plain one"
	}
	return wordless.Hint()
}
