package server

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/services"
)

// RateLimit bounds the calls that a plugin takes, unary ones and streams, by a
// token bucket: PerSecond calls on average, Burst at once. Those beyond it end
// with ResourceExhausted. go-plugin's own services, health and reflection are
// not limited, nor is what is served through the broker, or past the gRPC server
// by a Carry, which asks Admit itself. The zero value is no limit.
type RateLimit struct {
	// PerSecond is how many calls are taken a second; 0 means no limit.
	PerSecond float64
	// Burst is how many of them may come at once; default: those of one second,
	// and 1 at least.
	Burst int
}

// check returns why a limit cannot be used.
func (l RateLimit) check() error {
	if l.PerSecond < 0 || math.IsNaN(l.PerSecond) || math.IsInf(l.PerSecond, 0) {
		return fmt.Errorf("RateLimit.PerSecond is \"%v\", expected a number from 0 on", l.PerSecond)
	}
	if l.Burst < 0 || l.Burst > 0 && l.PerSecond == 0 {
		return fmt.Errorf("RateLimit.Burst is \"%d\" with PerSecond \"%v\", expected 0 or more, and 0 without a limit", l.Burst, l.PerSecond)
	}
	return nil
}

// Admit returns a full bucket: what is to be asked for each call, by the path of
// its method, before it is served. It answers nil, or a gRPC status, and may be
// asked by many goroutines. Without a limit Admit returns nil.
func (l RateLimit) Admit() func(method string) error {
	if l.PerSecond == 0 {
		return nil
	}
	if l.Burst == 0 {
		l.Burst = int(min(max(math.Ceil(l.PerSecond), 1), math.MaxInt32))
	}
	bucket := rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	return func(method string) error {
		if services.Reserved(method) || bucket.Allow() {
			return nil
		}
		return status.Errorf(codes.ResourceExhausted, "rate limit exceeded: the plugin takes %v calls per second, and %d at once", l.PerSecond, l.Burst)
	}
}

// options are those of a gRPC server that keeps the limit.
func (l RateLimit) options() []grpc.ServerOption {
	ask := l.Admit()
	if ask == nil {
		return nil
	}
	admit := func(ctx context.Context) error {
		// What interceptors are told is the name in the generated code, for unary
		// calls; this is the one on the wire.
		method, _ := grpc.Method(ctx)
		return ask(method)
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := admit(ctx); err != nil {
				return nil, err
			}
			return handler(ctx, request)
		}),
		grpc.ChainStreamInterceptor(func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if err := admit(stream.Context()); err != nil {
				return err
			}
			return handler(server, stream)
		}),
	}
}
