//go:build unix

package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// doKey is the metadata key by which a call asks for more than an echo.
const doKey = "do"

// echo is the child's service.
type echo struct {
	testpb.UnimplementedEchoServer

	grandchild         int
	started, cancelled atomic.Int32 // of calls that hang
}

// childReport is the answer to "do: report".
type childReport struct {
	Environ                       []string
	Dir                           string
	StdinIsPipe                   bool
	Pid, Parent, Group, Grandchld int
	Started, Cancelled            int32
	Peer                          string
}

func (e *echo) report(ctx context.Context) ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	stdin, err := os.Stdin.Stat()
	if err != nil {
		return nil, err
	}
	from, _ := peer.FromContext(ctx)
	return json.Marshal(childReport{
		Environ: os.Environ(), Dir: dir, StdinIsPipe: stdin.Mode()&os.ModeNamedPipe != 0,
		Pid: os.Getpid(), Parent: os.Getppid(), Group: syscall.Getpgrp(), Grandchld: e.grandchild,
		Started: e.started.Load(), Cancelled: e.cancelled.Load(), Peer: from.Addr.String(),
	})
}

// asked returns what a call asks for, after sending its x- metadata back in
// headers and trailers.
func (e *echo) asked(ctx context.Context, setHeader func(metadata.MD) error, setTrailer func(metadata.MD)) string {
	incoming, _ := metadata.FromIncomingContext(ctx)
	back := maps.Clone(incoming)
	maps.DeleteFunc(back, func(key string, _ []string) bool { return !strings.HasPrefix(key, "x-") })
	if len(back) > 0 {
		if len(incoming.Get("no-header")) == 0 {
			_ = setHeader(back)
		}
		setTrailer(metadata.Join(back, metadata.Pairs("x-end", "trailer")))
	}
	return strings.Join(incoming.Get(doKey), "")
}

func (e *echo) Unary(ctx context.Context, in *testpb.Message) (*testpb.Message, error) {
	do := e.asked(ctx, func(md metadata.MD) error { return grpc.SetHeader(ctx, md) }, func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) })
	switch do {
	case "report":
		payload, err := e.report(ctx)
		return &testpb.Message{Payload: payload}, err
	case "deadline":
		until, ok := ctx.Deadline()
		if !ok {
			return &testpb.Message{Count: -1}, nil
		}
		return &testpb.Message{Count: int32(time.Until(until).Milliseconds())}, nil
	case "stdout":
		_, err := os.Stdout.Write(in.GetPayload())
		return &testpb.Message{}, err
	case "stderr":
		_, err := os.Stderr.Write(in.GetPayload())
		return &testpb.Message{}, err
	case "compressed":
		if err := grpc.SetSendCompressor(ctx, gzip.Name); err != nil {
			return nil, err
		}
	case "details":
		return nil, detailed().Err()
	}
	return in, e.common(ctx, do, in)
}

// common is what all kinds of calls do before they answer.
func (e *echo) common(ctx context.Context, do string, in *testpb.Message) error {
	switch do {
	case "hang":
		e.started.Add(1)
		<-ctx.Done()
		e.cancelled.Add(1)
		return ctx.Err()
	case "exit":
		_, _ = os.Stderr.WriteString("first word\nlast word\n")
		os.Exit(3)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		<-ctx.Done()
	case "panic":
		go func() { panic("out of cheese") }()
		<-ctx.Done()
	}
	if in.GetDelayMs() > 0 {
		select {
		case <-time.After(time.Duration(in.GetDelayMs()) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if in.GetFailCode() != 0 {
		return status.Error(codes.Code(in.GetFailCode()), string(in.GetPayload())) //nolint:gosec // a code from 1 to 16
	}
	return nil
}

// detailed is a status with details.
func detailed() *status.Status {
	st, err := status.New(codes.FailedPrecondition, "zwölf → 12\n% done").WithDetails(
		&errdetails.ErrorInfo{Reason: "STALE", Domain: "example.org", Metadata: map[string]string{"zone": "a"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "size", Description: "too big"}}},
	)
	if err != nil {
		panic(err)
	}
	return st
}

func (e *echo) Server(in *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	do := e.asked(stream.Context(), stream.SetHeader, stream.SetTrailer)
	for range in.GetCount() {
		if err := stream.Send(&testpb.Message{Payload: in.GetPayload()}); err != nil {
			return err
		}
	}
	return e.common(stream.Context(), do, in)
}

func (e *echo) Client(stream grpc.ClientStreamingServer[testpb.Message, testpb.Message]) error {
	do := e.asked(stream.Context(), stream.SetHeader, stream.SetTrailer)
	if do == "refuse" {
		return status.Error(codes.ResourceExhausted, "no more")
	}
	answer := &testpb.Message{}
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(answer)
		}
		if err != nil {
			return err
		}
		answer.Payload = append(answer.Payload, in.GetPayload()...)
		answer.Count++
		if err := e.common(stream.Context(), do, in); err != nil {
			return err
		}
	}
}

func (e *echo) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	do := e.asked(stream.Context(), stream.SetHeader, stream.SetTrailer)
	if do == "early-header" {
		if err := stream.SendHeader(nil); err != nil {
			return err
		}
	}
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.common(stream.Context(), do, in); err != nil {
			return err
		}
		if err := stream.Send(in); err != nil {
			return err
		}
	}
}
