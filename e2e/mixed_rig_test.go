//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// mixedLanguage is a gRPC library that a child is made with, and the options that
// its server gets.
type mixedLanguage struct {
	name    string
	command func(testing.TB) []string
	options map[string]any
}

var (
	mixedGo = mixedLanguage{name: "grpc-go", command: func(t testing.TB) []string {
		t.Helper()
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		return []string{self}
	}}
	mixedPython = mixedLanguage{
		name: "grpcio",
		command: func(t testing.TB) []string {
			t.Helper()
			return []string{python(t), checkout(t, "e2e/testdata/mixed/child.py")}
		},
		options: map[string]any{
			"grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1,
			"grpc.max_metadata_size": 64 << 10, // 8 KiB by default, and 16 at most
		},
	}
	mixedNode = mixedLanguage{
		name: "grpc-js",
		command: func(t testing.TB) []string {
			t.Helper()
			prepared(t, "examples/node/node_modules/made-from")
			return []string{"node", checkout(t, "e2e/testdata/mixed/child.js")}
		},
		options: map[string]any{"grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1},
	}
)

// with returns the same with other options: a nil one is left to its default.
func (l mixedLanguage) with(options map[string]any) mixedLanguage {
	changed := map[string]any{}
	for _, all := range []map[string]any{l.options, options} {
		for key, value := range all {
			changed[key] = value
			if value == nil {
				delete(changed, key)
			}
		}
	}
	l.options = changed
	return l
}

// mixedRig is a bridge with a child, and connections to it.
type mixedRig struct {
	*sandbox

	echo []testpb.EchoClient // one a connection
	log  *transcript         // of the bridge, if it is in this process

	dies    bool   // the child does, before the end
	refuses bool   // the child may refuse calls, to be made again
	stop    func() // ends all, and proves that nothing is left
}

// newMixedRig has the bridge in this process without TLS, or, if secure, as a
// process under our host, with AutoMTLS.
func newMixedRig(t *testing.T, child mixedLanguage, secure bool, connections int) *mixedRig {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	r := &mixedRig{sandbox: newSandbox(t), log: new(transcript)}
	t.Setenv("TMPDIR", r.path("tmp"))
	options, err := json.Marshal(child.options)
	r.try(err)
	r.set(mixedVariable+"=1", "MIXED_OPTIONS="+string(options), "MIXED_PROTO="+checkout(t, "proto"),
		"NODE_PATH="+checkout(t, "examples/node/node_modules"))
	start := r.plain
	if secure {
		start = r.secure
	}
	dial, end := start(child.command(t))
	var conns []*grpc.ClientConn
	for range connections {
		conns = append(conns, dial())
		r.echo = append(r.echo, testpb.NewEchoClient(conns[len(conns)-1]))
	}
	r.stop = sync.OnceFunc(func() {
		for _, conn := range conns {
			r.try(conn.Close())
		}
		end()
		r.expectNothingLeft()
		goleak.VerifyNone(t, leaks)
	})
	t.Cleanup(r.stop)
	return r
}

// plain starts the bridge here, and returns how to connect to it and how to end it.
func (r *mixedRig) plain(command []string) (dial func() *grpc.ClientConn, end func()) {
	r.Helper()
	b, err := bridge.New(r.Context(), bridge.Config{
		Command: command, Environ: r.environ,
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Server: server.Config{
			TLS: server.TLSOff, IgnoreHost: true, Stdout: io.Discard,
			LookupEnv: func(string) (string, bool) { return "", false },
		},
	})
	r.try(err)
	ended := make(chan error, 1)
	go func() { ended <- b.Run(context.Background()) }()
	at := transport.Endpoint{Network: b.Line().Network, Address: b.Line().Address}
	return func() *grpc.ClientConn { return r.dial(at.Target()) }, func() {
		b.Stop()
		if err := <-ended; err != nil && !r.dies {
			r.Error(err)
		}
	}
}

// secure starts `rpcplugin serve` as hosts do.
func (r *mixedRig) secure(command []string) (dial func() *grpc.ClientConn, end func()) {
	r.Helper()
	c, err := client.Start(r.Context(), client.Config{
		Command: append([]string{rpcplugin(r), "serve", "--host", "kv", "--exec"}, command...),
		Cookie:  kv.Cookie(), Environ: r.environ, HoldSocket: true,
	})
	r.try(err)
	if len(c.Line().Certificate) == 0 {
		r.Error("no AutoMTLS")
	}
	return func() *grpc.ClientConn {
			return r.dial("passthrough:///plugin", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return c.DialMain(ctx)
			}))
		}, func() {
			if err := c.Close(context.Background()); err != nil {
				r.Error(err)
			}
		}
}

func (r *mixedRig) dial(target string, opts ...grpc.DialOption) *grpc.ClientConn {
	r.Helper()
	conn, err := grpc.NewClient(target, append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))...)
	r.try(err)
	return conn
}

// totals asks the child.
func (r *mixedRig) totals() mixedTotals {
	r.Helper()
	ctx := metadata.AppendToOutgoingContext(r.Context(), "do", "totals")
	answer, err := r.echo[0].Unary(ctx, &testpb.Message{})
	r.try(err)
	var totals mixedTotals
	r.try(json.Unmarshal(answer.GetPayload(), &totals))
	return totals
}
