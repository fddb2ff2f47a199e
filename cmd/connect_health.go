package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/services"
)

// healthCommand asks the health service.
type healthCommand struct {
	Service string `arg:"" optional:"" help:"Name to ask for; default: plugin, as hosts do."`
	Watch   bool   `help:"Stay, and show every change."`
}

// healthInfo is the JSON form of an answer.
type healthInfo struct {
	Service string `json:"service"`
	Status  string `json:"status"`
}

// Run starts the plugin and asks.
func (h *healthCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	return f.within(ctx, p, g, command, needs{}, func(ctx context.Context, s *session) error {
		return h.ask(ctx, p, s, f.Output)
	})
}

func (h *healthCommand) ask(ctx context.Context, p *Program, s *session, output string) error {
	name := h.Service
	if name == "" {
		name = services.HealthService
	}
	client, request := healthpb.NewHealthClient(s.Conn()), &healthpb.HealthCheckRequest{Service: name}
	var err error
	if h.Watch {
		err = h.watch(ctx, p, client, request, output)
	} else {
		var answer *healthpb.HealthCheckResponse
		if answer, err = client.Check(ctx, request); err == nil {
			err = showHealth(p, name, answer, output)
		}
	}
	if _, isStatus := status.FromError(err); err != nil && isStatus {
		failed := &callError{method: "grpc.health.v1.Health", status: status.Convert(err)}
		if failed.status.Code() == codes.NotFound {
			failed.hint = fmt.Sprintf("the plugin knows no health of %q; every plugin has that of \"plugin\"", name)
		}
		return failed
	}
	return err
}

// showHealth prints an answer. Any but SERVING is Unavailable.
func showHealth(p *Program, name string, answer *healthpb.HealthCheckResponse, output string) error {
	if err := printHealth(p, name, answer, output); err != nil {
		return err
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return &callError{
			method: "grpc.health.v1.Health",
			status: status.Newf(codes.Unavailable, "%q is %s", name, answer.GetStatus()),
			hint:   "the plugin says so itself",
		}
	}
	return nil
}

func printHealth(p *Program, name string, answer *healthpb.HealthCheckResponse, output string) error {
	if output == "json" {
		return json.NewEncoder(p.Stdout).Encode(healthInfo{Service: name, Status: answer.GetStatus().String()})
	}
	_, err := fmt.Fprintln(p.Stdout, answer.GetStatus())
	return err
}

// watch prints every answer until the plugin ends the stream.
func (h *healthCommand) watch(ctx context.Context, p *Program, client healthpb.HealthClient, request *healthpb.HealthCheckRequest, output string) error {
	var stream grpc.ServerStreamingClient[healthpb.HealthCheckResponse]
	stream, err := client.Watch(ctx, request)
	for err == nil {
		var answer *healthpb.HealthCheckResponse
		if answer, err = stream.Recv(); err == nil {
			err = printHealth(p, request.GetService(), answer, output)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
