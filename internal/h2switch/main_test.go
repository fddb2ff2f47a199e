package h2switch

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// The test binary is also the processes of the benchmarks.
const (
	roleKey   = "H2SWITCH_TEST_ROLE"
	listenKey = "H2SWITCH_TEST_LISTEN"
	childKey  = "H2SWITCH_TEST_CHILD"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "":
		goleak.VerifyTestMain(m)
	case "child":
		runServer(server())
	case "switch":
		runSwitch()
	case "forward":
		runServer(forwarding(os.Getenv(childKey)))
	}
}

// network is tcp for what has a port, for tools that know no other.
func network(at string) (string, string) {
	if _, _, err := net.SplitHostPort(at); err == nil {
		return "tcp", at
	}
	return "unix", at
}

func runServer(s *grpc.Server) {
	listener, err := net.Listen(network(os.Getenv(listenKey)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = s.Serve(listener)
}

func runSwitch() {
	listener, err := net.Listen(network(os.Getenv(listenKey)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if at := os.Getenv("H2SWITCH_TEST_PROFILE"); at != "" {
		profile(at)
	}
	memory := bufconn.Listen(256 << 10)
	go func() { _ = server().Serve(memory) }()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			_ = Serve(context.Background(), conn, Config{
				Local:   memory.DialContext,
				Child:   func(ctx context.Context) (net.Conn, error) { return knock(ctx, os.Getenv(childKey)) },
				IsLocal: isLocal,
			})
		}()
	}
}
