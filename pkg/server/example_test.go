package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// A plugin's main function: all that a host needs, and the plugin's service.
func Example() {
	err := server.Serve(context.Background(), server.Config{
		Cookie: handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"},
		Register: func(r grpc.ServiceRegistrar, _ *server.Server) error {
			testpb.RegisterEchoServer(r, &echo{})
			return nil
		},
		Capture: true, // fmt.Println reaches the host
		Signals: true, // SIGTERM stops in an orderly way
		Logger:  slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// A test starts the plugin in its own process, and attaches to it.
func ExampleServeTest() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	at, ended, err := server.ServeTest(ctx, server.Config{
		Register: func(r grpc.ServiceRegistrar, _ *server.Server) error {
			testpb.RegisterEchoServer(r, &echo{})
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	host, err := client.Attach(ctx, client.Config{}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := testpb.NewEchoClient(host.Conn()).Unary(ctx, &testpb.Message{Payload: []byte("hello")})
	fmt.Printf("%s %v\n", reply.GetPayload(), err)
	fmt.Println(host.Close(ctx))
	stop()
	fmt.Println(<-ended)
	// Output:
	// hello <nil>
	// <nil>
	// <nil>
}

// Two app versions, each with services of its own. The highest that the host
// has, too, is chosen, and the lowest if there is none.
func ExampleConfig_versions() {
	plugin, err := server.New(context.Background(), server.Config{
		Versions: map[int]server.Register{
			5: func(grpc.ServiceRegistrar, *server.Server) error { return nil },
			6: func(r grpc.ServiceRegistrar, s *server.Server) error {
				fmt.Println("registering version", s.AppVersion())
				testpb.RegisterEchoServer(r, &echo{server: s})
				return nil
			},
		},
		LookupEnv: environment{handshake.EnvProtocolVersions: "6,7"}.lookup, // a host's
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plugin.Close() // in place of Run
	// Output:
	// registering version 6
}

// Keys that host and plugin have agreed on, in place of AutoMTLS.
func ExampleConfig_agreedTLS() {
	agreed, err := pki.Files{Certificate: "plugin.pem", Key: "file:///etc/plugin/key.pem", CA: "ca.pem"}.ServerTLS()
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = server.Serve(context.Background(), server.Config{TLSConfig: agreed})
	// Output:
	// certificate file "plugin.pem" cannot be read: open plugin.pem: no such file or directory
}

// A plugin that looks after itself: no more than ten calls a second, an end when
// no host comes, and one when a file appears.
func ExampleConfig_limits() {
	_ = server.Config{
		RateLimit:    server.RateLimit{PerSecond: 10, Burst: 20},
		IdleTimeout:  time.Minute,
		ShutdownFile: "/run/plugin/stop",
	}
}
