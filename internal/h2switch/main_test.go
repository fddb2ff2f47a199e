package h2switch

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/test/bufconn"
)

// The test binary is also a switch that is a process of its own.
const (
	roleKey   = "H2SWITCH_TEST_ROLE"
	listenKey = "H2SWITCH_TEST_LISTEN"
	childKey  = "H2SWITCH_TEST_CHILD"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "":
		goleak.VerifyTestMain(m)
	case "switch":
		runSwitch()
	}
}

// begin starts a process in a role, until the test ends.
func begin(t testing.TB, role, at, child string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), roleKey+"="+role, listenKey+"="+at, childKey+"="+child)
	cmd.Stderr = os.Stderr
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return cmd
}

func runSwitch() {
	listener, err := net.Listen("unix", os.Getenv(listenKey))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
