package transport

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// TestTargetWithGRPC calls a real gRPC server by the targets we give out, and
// by our own dialer.
func TestTargetWithGRPC(t *testing.T) {
	for name, made := range map[string]Transport{
		"private": NewUnix(UnixConfig{Dir: shortDir(t)}),
		"odd":     NewUnix(UnixConfig{Path: filepath.Join(shortDir(t), "a b%20?#")}),
		"tcp":     NewTCP(TCPConfig{}),
		"name":    NewTCP(TCPConfig{Host: "localhost"}),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { _ = made.Close() }()
			l, err := made.Listen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer()
			healthpb.RegisterHealthServer(server, health.NewServer())
			served := make(chan error, 1)
			go func() { served <- server.Serve(l) }()

			checkHealth(t, l.Endpoint().Target())
			checkHealth(t, "passthrough:x", grpc.WithContextDialer(
				func(ctx context.Context, _ string) (net.Conn, error) {
					return made.Connect(ctx, l.Endpoint())
				}))
			server.Stop()
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
	}
}

// checkHealth makes one call to target.
func checkHealth(t *testing.T, target string, options ...grpc.DialOption) {
	t.Helper()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	client, err := grpc.NewClient(target, options...)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := healthpb.NewHealthClient(client).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%s: got %v, %v", target, got.GetStatus(), err)
	}
}
