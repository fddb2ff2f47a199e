package testscript_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// echo is the service of every plugin here. Some payloads of Unary are
// commands:
//
//	args     answers the program's arguments
//	env X    answers the variable X
//	die      last words on stderr, then the process ends with status 9
//	header X answers the request's header X, with a header and a trailer
//	details  an error with details
type echo struct {
	testpb.UnimplementedEchoServer
}

// Unary answers its request, or does what it says.
func (echo) Unary(ctx context.Context, request *testpb.Message) (*testpb.Message, error) {
	command, argument, _ := strings.Cut(string(request.GetPayload()), " ")
	switch command {
	case "args":
		return &testpb.Message{Payload: []byte(strings.Join(os.Args[1:], " "))}, nil
	case "env":
		return &testpb.Message{Payload: []byte(os.Getenv(argument))}, nil
	case "header":
		return echoHeader(ctx, argument)
	case "details":
		return nil, detailed()
	case "die":
		fmt.Fprintln(os.Stderr, "these are my last words")
		os.Exit(9)
	}
	return request, answer(ctx, request)
}

// echoHeader answers with a header of the request.
func echoHeader(ctx context.Context, name string) (*testpb.Message, error) {
	asked, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.Pairs("answer-bin", "\x00\x01")); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs("farewell", "bye")); err != nil {
		return nil, err
	}
	return &testpb.Message{Payload: []byte(strings.Join(asked.Get(name), ","))}, nil
}

// detailed is an error as google.rpc has it.
func detailed() error {
	wrong, err := status.New(codes.InvalidArgument, "no good").WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "count", Description: "too many"}},
	})
	if err != nil {
		return err
	}
	return wrong.Err()
}

// Server answers its request count times.
func (echo) Server(request *testpb.Message, stream testpb.Echo_ServerServer) error {
	for i := range request.GetCount() {
		if err := stream.Send(&testpb.Message{Payload: request.GetPayload(), Count: i + 1}); err != nil {
			return err
		}
	}
	return answer(stream.Context(), request)
}

// Bidi answers each request as it comes.
func (echo) Bidi(stream testpb.Echo_BidiServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(request); err != nil {
			return err
		}
	}
}

// Client joins its requests.
func (echo) Client(stream testpb.Echo_ClientServer) error {
	joined := &testpb.Message{}
	for {
		request, err := stream.Recv()
		if err != nil {
			return stream.SendAndClose(joined)
		}
		joined.Payload = bytes.Join([][]byte{joined.GetPayload(), request.GetPayload()}, nil)
		joined.Count++
	}
}

// answer waits and fails as the request wants it.
func answer(ctx context.Context, request *testpb.Message) error {
	if delay := request.GetDelayMs(); delay > 0 {
		timer := time.NewTimer(time.Duration(delay) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	if code := request.GetFailCode(); code != 0 {
		return status.Error(codes.Code(code), "the request asked for it") //nolint:gosec // a small number
	}
	return nil
}
