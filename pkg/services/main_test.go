package services_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/internal/wirename"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// patience is for what must happen but may take a while on a busy machine.
const patience = 15 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onWire gives the generated stubs the names that go-plugin's have.
var onWire = wirename.Rename{From: "rpcplugin.plugin", To: "plugin"}

// soon is a context that ends a test that hangs.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// receive takes a value that must come.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("nothing came: %s", what)
		panic("unreachable")
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listen opens a unix socket for the time of the test.
func listen(t testing.TB) *transport.Listener {
	t.Helper()
	listener, err := listenUnix(t.TempDir())(t.Context())
	noError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func listenUnix(dir string) func(context.Context) (*transport.Listener, error) {
	return func(ctx context.Context) (*transport.Listener, error) {
		return transport.NewUnix(transport.UnixConfig{Dir: dir}).Listen(ctx)
	}
}

// served is a gRPC server on a socket and a connection to it.
type served struct {
	server *grpc.Server
	conn   *grpc.ClientConn
}

// serve starts a server for the time of the test. creds are those of the
// server and of the connection; nil means no TLS.
func serve(t testing.TB, creds *[2]credentials.TransportCredentials, register func(*grpc.Server), opts ...grpc.ServerOption) served {
	t.Helper()
	if creds == nil {
		creds = &[2]credentials.TransportCredentials{insecure.NewCredentials(), insecure.NewCredentials()}
	}
	listener := listen(t)
	server := grpc.NewServer(append(opts, grpc.Creds(creds[0]))...)
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient(listener.Endpoint().Target(), grpc.WithTransportCredentials(creds[1]),
		grpc.WithAuthority("localhost"))
	noError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return served{server: server, conn: conn}
}

// echo answers unary calls with what they send.
type echo struct {
	testpb.UnimplementedEchoServer
}

func (echo) Unary(_ context.Context, message *testpb.Message) (*testpb.Message, error) {
	return message, nil
}

// gathered is a writer that tells when it has so many bytes.
type gathered struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{}
	fail    error
}

func newGathered() *gathered { return &gathered{changed: make(chan struct{})} }

func (g *gathered) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil {
		return 0, g.fail
	}
	g.data = append(g.data, data...)
	close(g.changed)
	g.changed = make(chan struct{})
	return len(data), nil
}

func (g *gathered) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.data)
}

// waitFor returns once there are size bytes.
func (g *gathered) waitFor(t testing.TB, size int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		g.mu.Lock()
		have, changed := len(g.data), g.changed
		g.mu.Unlock()
		if have >= size {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d bytes came, expected %d", have, size)
		}
	}
}

var errRefused = errors.New("refused")

var _ io.Writer = (*gathered)(nil)
