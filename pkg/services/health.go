package services

import (
	"context"
	"fmt"
	"maps"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Health is the health service of a plugin: the name "plugin", for which
// hosts ask, and the empty name are SERVING until Close.
//
// It is not grpc-go's: there a host that watches would never be let go, and
// would hold up the plugin's stop.
type Health struct {
	healthpb.UnimplementedHealthServer

	closed onceSignal
	checks map[string]func(context.Context) error
}

// NewHealth returns a Health that says SERVING. For each further name in
// checks, which may be nil, a question is answered by its function: SERVING, or
// its error, a gRPC status. It may take its time, within the context.
func NewHealth(checks map[string]func(context.Context) error) *Health {
	return &Health{closed: newOnceSignal(), checks: maps.Clone(checks)}
}

// Register adds the service to r.
func (h *Health) Register(r grpc.ServiceRegistrar) { healthpb.RegisterHealthServer(r, h) }

// Close says NOT_SERVING for every name, to those who watch as well, and ends
// the watching. It may be called more than once.
func (h *Health) Close() { h.closed.fire() }

// Check serves a question for one name; gRPC calls it.
func (h *Health) Check(ctx context.Context, request *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if check := h.checks[request.GetService()]; check != nil {
		if err := check(ctx); err != nil {
			return nil, err
		}
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
	}
	answer := h.answer(request.GetService())
	if answer.GetStatus() == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Errorf(codes.NotFound, "unknown service %q", request.GetService())
	}
	return answer, nil
}

// List serves a question for all names; gRPC calls it.
func (h *Health) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	statuses := make(map[string]*healthpb.HealthCheckResponse)
	for _, name := range []string{"", HealthService} {
		statuses[name] = h.answer(name)
	}
	return &healthpb.HealthListResponse{Statuses: statuses}, nil
}

// Watch serves a question for one name and the changes of the answer; gRPC
// calls it.
func (h *Health) Watch(request *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	before := h.answer(request.GetService())
	if err := stream.Send(before); err != nil {
		return err
	}
	select {
	case <-stream.Context().Done():
		return status.FromContextError(stream.Context().Err()).Err()
	case <-h.closed.done:
	}
	if after := h.answer(request.GetService()); after.GetStatus() != before.GetStatus() {
		return stream.Send(after)
	}
	return nil
}

// answer is what is said of a name now.
func (h *Health) answer(name string) *healthpb.HealthCheckResponse {
	says := healthpb.HealthCheckResponse_SERVING
	switch {
	case name != "" && name != HealthService:
		says = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
	case h.closed.fired():
		says = healthpb.HealthCheckResponse_NOT_SERVING
	}
	return &healthpb.HealthCheckResponse{Status: says}
}

// Ping is the host's half of the health service: it returns nil when the
// plugin says that it serves, a gRPC status when the call failed, and another
// error when it answered anything else.
func Ping(ctx context.Context, cc grpc.ClientConnInterface) error {
	return CheckHealth(ctx, cc, HealthService)
}

// CheckHealth is Ping for any name. A name that the plugin does not know is the
// status NotFound.
func CheckHealth(ctx context.Context, cc grpc.ClientConnInterface, name string) error {
	reply, err := healthpb.NewHealthClient(cc).Check(ctx, &healthpb.HealthCheckRequest{Service: name})
	if err != nil {
		return err
	}
	if reply.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("plugin's health is %q, expected %q", reply.GetStatus(), healthpb.HealthCheckResponse_SERVING)
	}
	return nil
}
