package load_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
)

// stallServer is the echo service that stops for a while now and then, and
// counts the calls that it gets.
type stallServer struct {
	*grpc.ClientConn

	got   atomic.Uint64
	stall sync.RWMutex // held by what stalls
}

// serve starts it; it ends with the test.
func serve(t testing.TB) *stallServer {
	t.Helper()
	s := &stallServer{}
	server := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		s.got.Add(1)
		s.stall.RLock()
		s.stall.RUnlock() //nolint:staticcheck // it is waited for
		return handle(ctx, request)
	}))
	echo.Register(server, echo.Plugin{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	s.ClientConn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	noError(t, err)
	t.Cleanup(func() {
		noError(t, s.Close())
		server.Stop()
		<-served
	})
	return s
}

// every stalls for a time in each period, until the test ends; the first stall
// begins after the first period.
func (s *stallServer) every(t testing.TB, period, length time.Duration) {
	done := make(chan struct{})
	var stalling sync.WaitGroup
	stalling.Go(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.stall.Lock()
				over := time.NewTimer(length)
				select {
				case <-over.C:
				case <-done:
				}
				s.stall.Unlock()
			case <-done:
				return
			}
		}
	})
	t.Cleanup(func() { close(done); stalling.Wait() })
}

// unary prepares workers for small calls.
func (s *stallServer) unary(t testing.TB, size int) load.Prepare {
	method, err := echo.MethodOf("unary", size, 1)
	noError(t, err)
	return func(ctx context.Context, _ int) (load.Call, error) { return method.Caller(ctx, s) }
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
