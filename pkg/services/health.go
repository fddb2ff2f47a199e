package services

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Health is the health service of a plugin: the name "plugin", for which
// hosts ask, and the empty name are SERVING until Close.
type Health struct{ server *health.Server }

// NewHealth returns a Health that says SERVING.
func NewHealth() *Health {
	server := health.NewServer()
	server.SetServingStatus(HealthService, healthpb.HealthCheckResponse_SERVING)
	return &Health{server: server}
}

// Register adds the service to r.
func (h *Health) Register(r grpc.ServiceRegistrar) { healthpb.RegisterHealthServer(r, h.server) }

// Close says NOT_SERVING for every name, to those who watch as well, and ends
// the watching.
func (h *Health) Close() { h.server.Shutdown() }

// Ping is the host's half of the health service: it returns nil when the
// plugin says that it serves, a gRPC status when the call failed, and another
// error when it answered anything else.
func Ping(ctx context.Context, cc grpc.ClientConnInterface) error {
	reply, err := healthpb.NewHealthClient(cc).Check(ctx, &healthpb.HealthCheckRequest{Service: HealthService})
	if err != nil {
		return err
	}
	if reply.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("plugin's health is %q, expected %q", reply.GetStatus(), healthpb.HealthCheckResponse_SERVING)
	}
	return nil
}
