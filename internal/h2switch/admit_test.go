package h2switch

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// What is not admitted ends with the status that says why, and the child does not
// hear of it. What the local server answers is not asked about.
func TestAdmit(t *testing.T) {
	var asked, reached atomic.Int32
	r := newRig(t, func(cfg *Config) {
		cfg.Admit = func(path string) error {
			if !strings.HasPrefix(path, "/rpcplugin.test.Echo/") {
				t.Errorf("asked for %q", path)
			}
			if asked.Add(1) > 2 {
				return status.Error(codes.ResourceExhausted, "100 % full")
			}
			return nil
		}
	})
	r.child(grpc.StatsHandler(counting{&reached}))
	conn := r.dial()
	echo, health := testpb.NewEchoClient(conn), grpc_health_v1.NewHealthClient(conn)
	for range 2 {
		_, err := echo.Unary(within(t), &testpb.Message{})
		noError(t, err)
	}
	for range 3 {
		_, err := echo.Unary(within(t), &testpb.Message{Payload: make([]byte, 1<<20)})
		wantCode(t, err, codes.ResourceExhausted, "100 % full")
		stream, err := echo.Bidi(within(t))
		noError(t, err)
		_, err = stream.Recv()
		wantCode(t, err, codes.ResourceExhausted, "100 % full")
		_, err = health.Check(within(t), &grpc_health_v1.HealthCheckRequest{})
		noError(t, err)
	}
	if got := reached.Load(); got != 2 {
		t.Errorf("%d calls reached the child, want 2", got)
	}
}

// counting counts the calls of a server.
type counting struct{ calls *atomic.Int32 }

func (c counting) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	c.calls.Add(1)
	return ctx
}
func (counting) HandleRPC(context.Context, stats.RPCStats)                         {}
func (counting) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (counting) HandleConn(context.Context, stats.ConnStats)                       {}
