package services_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/services"
)

func TestControllerAnswersEveryShutdown(t *testing.T) {
	asked := make(chan struct{}, 2)
	at := serve(t, nil, func(s *grpc.Server) {
		services.NewController(func() { asked <- struct{}{} }).Register(s)
	})
	for range 2 {
		noError(t, services.Shutdown(soon(t), at.conn))
		receive(t, "the call of shutdown", asked)
	}
}

func TestShutdownErrors(t *testing.T) {
	at := serve(t, nil, func(*grpc.Server) {})
	if err := services.Shutdown(soon(t), at.conn); status.Code(err) != codes.Unimplemented {
		t.Errorf("without a controller: %v, expected Unimplemented", err)
	}
	at.server.Stop()
	if err := services.Shutdown(soon(t), at.conn); status.Code(err) != codes.Unavailable {
		t.Errorf("without a plugin: %v, expected Unavailable", err)
	}
}

func TestHealth(t *testing.T) {
	const serving, notServing, unknown = healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_SERVICE_UNKNOWN
	for _, test := range []struct {
		service       string
		before, after healthpb.HealthCheckResponse_ServingStatus
	}{
		{"", serving, notServing},
		{"plugin", serving, notServing},
		{"other", unknown, unknown},
	} {
		t.Run(test.service, func(t *testing.T) {
			health := services.NewHealth(nil)
			at := serve(t, nil, func(s *grpc.Server) { health.Register(s) })
			client := healthpb.NewHealthClient(at.conn)
			request := &healthpb.HealthCheckRequest{Service: test.service}
			check := func(want healthpb.HealthCheckResponse_ServingStatus) {
				t.Helper()
				reply, err := client.Check(soon(t), request)
				switch {
				case want == unknown:
					if status.Code(err) != codes.NotFound {
						t.Errorf("check: %v, expected NotFound", err)
					}
				case err != nil || reply.GetStatus() != want:
					t.Errorf("check: %s, %v, expected %s", reply.GetStatus(), err, want)
				}
			}
			check(test.before)
			watching, err := client.Watch(soon(t), request)
			noError(t, err)
			if update, err := watching.Recv(); err != nil || update.GetStatus() != test.before {
				t.Errorf("watched %s, %v, expected %s", update.GetStatus(), err, test.before)
			}
			health.Close()
			health.Close()
			if test.after != test.before {
				if update, err := watching.Recv(); err != nil || update.GetStatus() != test.after {
					t.Errorf("watched %s, %v, expected %s", update.GetStatus(), err, test.after)
				}
			}
			if update, err := watching.Recv(); !errors.Is(err, io.EOF) {
				t.Errorf("watched %s, %v, expected the end", update.GetStatus(), err)
			}
			check(test.after)
		})
	}
}

func TestHealthChecks(t *testing.T) {
	refusal := status.Error(codes.Internal, "the program is gone")
	checks := map[string]func(context.Context) error{
		"good": func(context.Context) error { return nil },
		"bad":  func(context.Context) error { return refusal },
		"slow": func(ctx context.Context) error {
			<-ctx.Done()
			return status.FromContextError(ctx.Err()).Err()
		},
	}
	health := services.NewHealth(checks)
	delete(checks, "good") // the map was the caller's
	at := serve(t, nil, func(s *grpc.Server) { health.Register(s) })
	noError(t, services.CheckHealth(soon(t), at.conn, "good"))
	if err := services.CheckHealth(soon(t), at.conn, "bad"); status.Code(err) != codes.Internal || status.Convert(err).Message() != "the program is gone" {
		t.Errorf("bad: %v, expected %v", err, refusal)
	}
	if err := services.CheckHealth(soon(t), at.conn, "other"); status.Code(err) != codes.NotFound {
		t.Errorf("other: %v, expected NotFound", err)
	}
	noError(t, services.CheckHealth(soon(t), at.conn, ""))
	noError(t, services.Ping(soon(t), at.conn))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := services.CheckHealth(ctx, at.conn, "slow"); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("slow: %v, expected DeadlineExceeded", err)
	}
}

func TestHealthList(t *testing.T) {
	health := services.NewHealth(nil)
	at := serve(t, nil, func(s *grpc.Server) { health.Register(s) })
	reply, err := healthpb.NewHealthClient(at.conn).List(soon(t), &healthpb.HealthListRequest{})
	noError(t, err)
	for _, name := range []string{"", "plugin"} {
		if got := reply.GetStatuses()[name].GetStatus(); got != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q is %s", name, got)
		}
	}
}

func TestPing(t *testing.T) {
	health := services.NewHealth(nil)
	at := serve(t, nil, func(s *grpc.Server) { health.Register(s) })
	noError(t, services.Ping(soon(t), at.conn))
	health.Close()
	err := services.Ping(soon(t), at.conn)
	if _, isStatus := status.FromError(err); err == nil || isStatus {
		t.Errorf("a plugin that stops: %v, expected an error that is no status", err)
	}
	at.server.Stop()
	if err := services.Ping(soon(t), at.conn); status.Code(err) != codes.Unavailable {
		t.Errorf("a plugin that is gone: %v, expected Unavailable", err)
	}
}
