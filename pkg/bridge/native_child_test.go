//go:build unix

package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	gohclog "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

const nativeKey = "BRIDGE_TEST_NATIVE"

// nativeChild is how a native child behaves.
type nativeChild struct {
	Ours     bool // pkg/server, not go-plugin
	TLSOff   bool // ours answers without a certificate
	NoMux    bool // does not know of multiplexing
	Exit     bool // before the line
	Versions []int
	Stubborn bool // ends for nothing but SIGKILL
}

func testCookie() handshake.Cookie {
	return handshake.Cookie{Key: cookieKey, Value: cookieValue}
}

// runNativeChild is a plugin as their authors write them.
func runNativeChild(cfg nativeChild) int {
	fmt.Fprintln(os.Stderr, "[WARN] native child warns")
	if cfg.Exit {
		fmt.Fprintln(os.Stderr, "no cheese today")
		return 9
	}
	if cfg.NoMux {
		_ = os.Unsetenv(handshake.EnvMultiplexGRPC)
	}
	if cfg.Stubborn {
		signal.Ignore(syscall.SIGTERM)
		defer func() { select {} }()
		signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1) // else: deadlock
	}
	if cfg.Ours {
		return cfg.serveOurs()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue},
		VersionedPlugins: cfg.plugins(),
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           gohclog.NewNullLogger(),
	})
	return 0
}

func (cfg nativeChild) plugins() map[int]plugin.PluginSet {
	sets := make(map[int]plugin.PluginSet)
	for _, version := range cfg.Versions {
		sets[version] = plugin.PluginSet{"echo": nativeHalf{}}
	}
	return sets
}

func (cfg nativeChild) serveOurs() int {
	config := server.Config{Cookie: testCookie(), AppVersions: cfg.Versions, Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
		testpb.RegisterEchoServer(r, &nativeEcho{
			print: func(out, err string) error { return printOn(s.Stdio().Stdout(), s.Stdio().Stderr(), out, err) },
			serve: func() uint32 {
				id := s.Broker().NextID()
				go func() { _ = s.Broker().Serve(context.Background(), id, registerEcho) }()
				return id
			},
			dial: func(ctx context.Context, id uint32) (*grpc.ClientConn, error) { return s.Broker().Dial(ctx, id) },
		})
		return nil
	}}
	if cfg.TLSOff {
		config.TLS = server.TLSOff
	}
	if err := server.Serve(context.Background(), config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

func printOn(stdout, stderr io.Writer, out, err string) error {
	_, outErr := io.WriteString(stdout, out)
	_, errErr := io.WriteString(stderr, err)
	return errors.Join(outErr, errErr)
}

func registerEcho(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, &nativeEcho{}) }

// nativeHalf is the plugin's side in go-plugin's terms.
type nativeHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (nativeHalf) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no host")
}

func (nativeHalf) GRPCServer(broker *plugin.GRPCBroker, s *grpc.Server) error {
	testpb.RegisterEchoServer(s, &nativeEcho{
		print: func(out, err string) error { return printOn(os.Stdout, os.Stderr, out, err) }, // as go-plugin has set them
		serve: func() uint32 { return goPluginServes(broker) },
		dial:  func(_ context.Context, id uint32) (*grpc.ClientConn, error) { return broker.Dial(id) },
	})
	return nil
}

// goPluginServes returns an id once it is served: go-plugin answers a knock
// before, and then has no listener.
func goPluginServes(broker *plugin.GRPCBroker) uint32 {
	id := broker.NextId()
	accepts := make(chan struct{})
	go broker.AcceptAndServe(id, func(opts []grpc.ServerOption) *grpc.Server {
		defer close(accepts)
		s := grpc.NewServer(opts...)
		registerEcho(s)
		return s
	})
	select {
	case <-accepts:
	case <-time.After(patience):
	}
	return id
}

// nativeEcho answers what it is sent, and does what some payloads ask for.
type nativeEcho struct {
	testpb.UnimplementedEchoServer

	print func(stdout, stderr string) error
	serve func() uint32
	dial  func(ctx context.Context, id uint32) (*grpc.ClientConn, error)
}

func (e *nativeEcho) Unary(ctx context.Context, in *testpb.Message) (*testpb.Message, error) {
	switch string(in.GetPayload()) {
	case "pids":
		return &testpb.Message{Payload: fmt.Appendf(nil, "%d %d", os.Getpid(), os.Getppid())}, nil
	case "environ":
		return &testpb.Message{Payload: []byte(strings.Join(os.Environ(), "\n"))}, nil
	case "print":
		return in, e.print("child's stdout\n", "child's stderr\n")
	case "serve":
		return &testpb.Message{Count: int32(e.serve())}, nil //nolint:gosec // a small id
	case "dial":
		conn, err := e.dial(ctx, uint32(in.GetCount())) //nolint:gosec // an id
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("from the child")})
	case "exit":
		fmt.Fprintln(os.NewFile(2, "stderr"), "good bye, cruel world")
		os.Exit(7)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		<-ctx.Done()
	}
	return in, nil
}

func (e *nativeEcho) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(in); err != nil {
			return err
		}
	}
}

// environ makes the test binary be the child.
func (cfg nativeChild) environ() []string {
	env := as("native child", nativeKey, cfg)
	if !cfg.Ours {
		env = append(env, "GORACE=exitcode=0 atexit_sleep_ms=0 log_path=/dev/null") // its races are go-plugin's
	}
	return env
}
