//go:build unix

package interop

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// echo is the service of all plugins, and of what is served through brokers:
// it answers what it is sent, and does what some payloads ask for.
type echo struct {
	testpb.UnimplementedEchoServer

	// These are of the library that the plugin is made with.

	stdout, stderr func() io.Writer
	serve          func() (id uint32)
	dial           func(ctx context.Context, id uint32) (*grpc.ClientConn, error)
}

func (e *echo) Unary(ctx context.Context, message *testpb.Message) (*testpb.Message, error) {
	switch string(message.GetPayload()) {
	case "print":
		return message, printAll(e.stdout(), e.stderr())
	case "serve":
		return &testpb.Message{Count: int32(e.serve())}, nil
	case "dial":
		conn, err := e.dial(ctx, uint32(message.GetCount()))
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("from the plugin")}, grpc.WaitForReady(true))
	}
	return message, nil
}

func (e *echo) Server(message *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	for n := range message.GetCount() {
		if err := stream.Send(&testpb.Message{Payload: message.GetPayload(), Count: n}); err != nil {
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

// printed is all that a plugin prints on a channel: bytes of every value, in
// which nothing can be lost, doubled or exchanged unseen.
func printed(channel string) []byte {
	var text []byte
	for n := range 6000 {
		text = fmt.Appendf(text, "%s %d\r\n%c\x00\xff", channel, n, n)
	}
	return text
}

// printAll prints all on both channels in turn, in pieces of many lengths.
func printAll(stdout, stderr io.Writer) error {
	channels := []struct {
		to   io.Writer
		text []byte
	}{{stdout, printed("stdout")}, {stderr, printed("stderr")}}
	for length := 1; len(channels[0].text)+len(channels[1].text) > 0; length = length*3%8191 + 1 {
		for i := range channels {
			c := &channels[i]
			piece := c.text[:min(length, len(c.text))]
			if _, err := c.to.Write(piece); err != nil {
				return err
			}
			c.text = c.text[len(piece):]
		}
	}
	return nil
}
