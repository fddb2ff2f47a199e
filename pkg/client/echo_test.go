package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// echo is the service of the plugins: it answers what it is sent, and does
// what some payloads ask for. print, serve and dial are those of the library
// that the plugin is made with.
type echo struct {
	testpb.UnimplementedEchoServer

	print func(stdout, stderr string) error
	serve func() (id uint32)
	dial  func(ctx context.Context, id uint32) (*grpc.ClientConn, error)
}

func (e *echo) Unary(ctx context.Context, message *testpb.Message) (*testpb.Message, error) {
	switch string(message.GetPayload()) {
	case "print":
		return message, e.print("out\n", "err\n")
	case "serve":
		return &testpb.Message{Count: int32(e.serve())}, nil
	case "dial":
		conn, err := e.dial(ctx, uint32(message.GetCount()))
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("from the plugin")})
	case "environment":
		return &testpb.Message{Payload: []byte(strings.Join(os.Environ(), "\n"))}, nil
	case "directory":
		dir, err := os.Getwd()
		return &testpb.Message{Payload: []byte(dir)}, err
	case "noise": // on the pipes themselves, with lines beyond any buffer
		for _, pipe := range []*os.File{os.NewFile(1, "stdout"), os.NewFile(2, "stderr")} {
			if _, err := pipe.Write(bytes.Repeat([]byte("x"), 5<<20)); err != nil {
				return nil, err
			}
		}
		return message, nil
	case "warn":
		_, err := io.WriteString(os.NewFile(2, "stderr"), "[WARN] mind the gap\n")
		return message, err
	case "crash":
		fmt.Fprintln(os.NewFile(2, "stderr"), "good bye, cruel world")
		os.Exit(7)
	case "panic":
		panic("asked for")
	}
	return message, nil
}

func (e *echo) Server(message *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	for range message.GetCount() {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

func (e *echo) Client(stream grpc.ClientStreamingServer[testpb.Message, testpb.Message]) error {
	all := &testpb.Message{}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(all)
		}
		if err != nil {
			return err
		}
		all.Payload = append(all.Payload, message.GetPayload()...)
		all.Count++
	}
}

func (e *echo) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(message); err != nil {
			return err
		}
	}
}
