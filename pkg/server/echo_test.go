package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// echo is the plugin's service: it answers what it is sent, and does what some
// payloads ask for.
type echo struct {
	testpb.UnimplementedEchoServer

	server  *server.Server
	entered chan struct{} // gets a value when "hold" has come in
	release chan struct{} // closed: "hold" and "insist", which ignores its context, are answered
}

func (e *echo) Unary(ctx context.Context, message *testpb.Message) (*testpb.Message, error) {
	switch string(message.GetPayload()) {
	case "hold":
		e.entered <- struct{}{}
		select {
		case <-e.release:
			return message, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "insist":
		e.entered <- struct{}{}
		<-e.release
		return message, nil
	case "print":
		_, outErr := io.WriteString(e.server.Stdio().Stdout(), "out\n")
		_, errErr := io.WriteString(e.server.Stdio().Stderr(), "err\n")
		return message, errors.Join(outErr, errErr)
	case "write": // what Capture is for
		_, outErr := fmt.Fprintln(os.Stdout, "out")
		_, errErr := fmt.Fprintln(os.Stderr, "err")
		return message, errors.Join(outErr, errErr)
	case "flood": // from many sides, more than any buffer holds
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for range 64 {
					_, _ = os.Stdout.Write(bytes.Repeat([]byte("x"), 32<<10))
				}
			})
		}
		writers.Wait()
		return message, nil
	case "pid":
		return &testpb.Message{Payload: strconv.AppendInt(nil, int64(os.Getpid()), 10)}, nil
	case "serve": // opens a brokered service and says its id
		id := e.server.Broker().NextID()
		go func() {
			err := e.server.Broker().Serve(context.Background(), id, func(r grpc.ServiceRegistrar) {
				testpb.RegisterEchoServer(r, &echo{})
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		return &testpb.Message{Count: int32(id)}, nil
	case "dial": // calls the host's brokered service
		conn, err := e.server.Broker().Dial(ctx, uint32(message.GetCount()))
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("from the plugin")})
	}
	if code := message.GetFailCode(); code != 0 {
		return nil, status.Error(codes.Code(code), "as asked")
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

// register is a Register of a Config.
func (e *echo) register(r grpc.ServiceRegistrar, s *server.Server) error {
	e.server = s
	testpb.RegisterEchoServer(r, e)
	return nil
}

// attachable registers what the host's scenario uses.
func attachable(t *testing.T, e *echo) func(grpc.ServiceRegistrar, *server.Server) error {
	t.Helper()
	store := kv.NewStore(t.TempDir())
	return func(r grpc.ServiceRegistrar, s *server.Server) error {
		store.Register(r)
		return e.register(r, s)
	}
}

func newEcho() *echo {
	return &echo{entered: make(chan struct{}, 1), release: make(chan struct{})}
}
