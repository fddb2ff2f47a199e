package server_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// ownServices uses the services that every plugin has, and stops the plugin.
func ownServices(t *testing.T, r *running, conn *grpc.ClientConn) {
	t.Helper()
	for range 3 {
		noError(t, services.Ping(soon(t), conn))
		v1, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(soon(t))
		noError(t, err)
		noError(t, v1.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
		if _, err := v1.Recv(); err != nil {
			t.Errorf("reflection: %v", err)
		}
		alpha, err := reflectionv1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(soon(t))
		noError(t, err)
		noError(t, alpha.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{}}))
		if _, err := alpha.Recv(); err != nil {
			t.Errorf("reflection v1alpha: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(soon(t))
	var streams sync.WaitGroup
	defer streams.Wait()
	defer cancel()
	streams.Go(func() { _ = services.CopyStdio(ctx, conn, nil, nil) })
	streams.Go(func() { _ = services.NewBroker(services.BrokerConfig{}).Run(ctx, conn) })
	receive(t, "stdio", r.Stdio().Opened())
	receive(t, "broker", r.Broker().Opened())
	noError(t, services.Shutdown(soon(t), conn))
	noError(t, receive(t, "the end of Run", r.ended))
}

// What is not served at all counts as well.
func TestRateLimitOfUnknownServices(t *testing.T) {
	r := run(t, server.Config{
		RateLimit: server.RateLimit{PerSecond: 0.001}, // and one at once
		Unknown: func(_ any, stream grpc.ServerStream) error {
			message := new(testpb.Message)
			if err := stream.RecvMsg(message); err != nil {
				return err
			}
			return stream.SendMsg(message)
		},
	})
	echo := testpb.NewEchoClient(r.dial(t))
	_, err := echo.Unary(soon(t), &testpb.Message{})
	noError(t, err)
	if _, err := echo.Unary(soon(t), &testpb.Message{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestRateLimit(t *testing.T) { eachWay(t, testRateLimit) }

func testRateLimit(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, Register: newEcho().register, RateLimit: server.RateLimit{PerSecond: 0.001, Burst: 2}})
	conn := r.dial(t)
	echo := testpb.NewEchoClient(conn)
	_, err := echo.Unary(soon(t), &testpb.Message{})
	noError(t, err)
	stream, err := echo.Bidi(soon(t))
	noError(t, err)
	noError(t, stream.CloseSend())
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the second call: %v", err)
	}
	wantLimited := func(err error) {
		t.Helper()
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(status.Convert(err).Message(), "0.001 calls per second, and 2 at once") {
			t.Errorf("beyond the limit: %v", err)
		}
	}
	_, err = echo.Unary(soon(t), &testpb.Message{})
	wantLimited(err)
	stream, err = echo.Bidi(soon(t))
	noError(t, err)
	_, err = stream.Recv()
	wantLimited(err)
	ownServices(t, r, conn)
}
