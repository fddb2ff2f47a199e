package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// benchTarget is a running plugin with what is called on it.
type benchTarget struct {
	*session

	conns   []grpc.ClientConnInterface
	extra   []*grpc.ClientConn
	method  echo.Method
	builtIn bool
	dir     string // of its keys; "" without
	before  uint64 // what the built-in one had served before the load
}

// ready starts the plugin of a cell, and calls it once to see that it answers.
func (b *benchRun) ready(ctx context.Context, g globals, cell benchCell) (_ *benchTarget, err error) {
	t, err := b.launch(ctx, g, cell, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = t.autopsy(err)
			t.stop(ctx)
		}
	}()
	if err := t.awaitProgram(ctx); err != nil {
		return nil, err
	}
	if t.method, err = b.method(ctx, t.session, cell); err != nil {
		return nil, err
	}
	if err := t.connect(b.Connections); err != nil {
		return nil, err
	}
	for _, conn := range t.conns {
		if err := t.try(ctx, conn, b.StartTimeout); err != nil {
			return nil, err
		}
	}
	if t.builtIn {
		t.before, err = echo.Ask(ctx, t.Conn(), echo.Count, 0)
	}
	return t, err
}

// try makes one call, which must end within a time.
func (t *benchTarget) try(ctx context.Context, conn grpc.ClientConnInterface, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	call, err := t.method.Caller(ctx, conn)
	if err == nil {
		err = call(ctx)
	}
	if err != nil {
		return &callError{method: strings.TrimPrefix(t.method.Path, "/"), status: status.Convert(err)}
	}
	return nil
}

// launch starts the plugin, or attaches to it. trace and stdout may be nil.
func (b *benchRun) launch(ctx context.Context, g globals, cell benchCell, trace *client.Trace, stdout *byteCounter) (*benchTarget, error) {
	t := &benchTarget{builtIn: !b.foreign()}
	flags := &connectFlags{
		attachFlags: b.attachFlags, sourceFlags: b.sourceFlags, Host: b.Host, Cookie: b.Cookie, AppVersion: b.AppVersion,
		Env: b.Env, StartTimeout: b.StartTimeout,
	}
	flags.TLS = cell.tls
	if cell.tls == "rsa" {
		flags.TLS = "auto" // the keys are set below
	}
	command, files, err := b.words(cell, t)
	if err != nil {
		return nil, err
	}
	config, running, err := flags.config(b.program, command)
	if err != nil {
		return nil, err
	}
	named, err := flags.named(ctx)
	if err != nil {
		return nil, err
	}
	if cell.transport != "auto" {
		config.Networks = []string{cell.transport}
	}
	config.TLSConfig = files
	config.Multiplex, config.HoldSocket, config.Trace = cell.mux, b.Connections > 1, trace
	config.Logger = g.logger(b.program, forUser)
	if stdout != nil {
		config.Stdout = stdout
	}
	if t.builtIn || cell.bridge { // our own settings are not for them
		config.Environ = slices.DeleteFunc(slices.Clone(config.Environ), func(entry string) bool {
			return strings.HasPrefix(entry, "RPCPLUGIN_")
		})
	}
	opened, err := open(ctx, config, running)
	if err != nil {
		t.removeKeys()
		return nil, flags.advise(err, config)
	}
	t.session = &session{Client: opened, attached: running, phases: opened.Phases(), sources: named}
	return t, nil
}

// method is what is called.
func (b *benchRun) method(ctx context.Context, s *session, cell benchCell) (echo.Method, error) {
	if b.Call == "" {
		return echo.MethodOf(cell.streams, cell.size, b.Messages)
	}
	if err := s.learn(ctx, b.Call); err != nil {
		return echo.Method{}, err
	}
	if s.reflection != nil { // its stream would be a call that the plugin waits for
		defer s.reflection.Close()
	}
	method, err := schema.Method(s.sources, b.Call)
	if err != nil {
		return echo.Method{}, s.unknown(err)
	}
	codec, err := (&callFlags{}).codec(ctx, s, method)
	if err != nil {
		return echo.Method{}, err
	}
	next, err := b.source.requests(method, codec)
	if err != nil {
		return echo.Method{}, err
	}
	found := echo.Method{
		Path:          fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()),
		ClientStreams: method.IsStreamingClient(), ServerStreams: method.IsStreamingServer(),
	}
	for {
		request, err := next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return echo.Method{}, err
		}
		encoded, err := proto.Marshal(request)
		if err != nil {
			return echo.Method{}, err
		}
		found.Requests = append(found.Requests, encoded)
	}
}

// connect opens the connections.
func (t *benchTarget) connect(number int) error {
	t.conns = []grpc.ClientConnInterface{t.Conn()}
	for range number - 1 {
		conn, err := grpc.NewClient("passthrough:///plugin",
			grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS is done by DialMain
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return t.DialMain(ctx) }),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
		if err != nil {
			return err
		}
		t.conns, t.extra = append(t.conns, conn), append(t.extra, conn)
	}
	return nil
}

// run puts load on the plugin. If it ends meanwhile, so does the run.
func (t *benchTarget) run(ctx context.Context, plan load.Plan) (*load.Result, error) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	var died atomic.Bool
	go func() {
		defer close(ended)
		select {
		case <-t.Exited():
			died.Store(true)
			cancel()
		case <-running.Done():
		}
	}()
	result, err := load.Run(running, plan, func(ctx context.Context, worker int) (load.Call, error) {
		return t.method.Caller(ctx, t.conns[worker%len(t.conns)])
	})
	cancel()
	<-ended
	if plan, ok := errors.AsType[*load.Error](err); ok && plan.Reason == load.ReasonPlan {
		return nil, &usageError{err: plan.Err, hint: "see rpcplugin bench --help"}
	}
	if err == nil && died.Load() {
		err = t.autopsy(&callError{method: strings.TrimPrefix(t.method.Path, "/"), status: status.New(codes.Unavailable, "the plugin ended while it was called")})
	}
	return result, err
}

// stop ends the plugin; one that was attached to goes on.
func (t *benchTarget) stop(ctx context.Context) {
	for _, conn := range t.extra {
		_ = conn.Close()
	}
	_ = t.Close(context.WithoutCancel(ctx))
	t.removeKeys()
}

func (t *benchTarget) removeKeys() {
	if t.dir != "" {
		_ = os.RemoveAll(t.dir)
	}
}
