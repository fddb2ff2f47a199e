package cmd

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// exchange is one call of any kind: requests and responses go side by side.
type exchange struct {
	conn      grpc.ClientConnInterface
	method    protoreflect.MethodDescriptor
	headers   metadata.MD
	maxTime   time.Duration
	options   []grpc.CallOption
	onHeader  func(metadata.MD)                           // or nil
	onMessage func(response, request proto.Message) error // request is the last that was sent

	asked                   atomic.Pointer[proto.Message]
	trailer                 metadata.MD
	began                   time.Time
	toHeader, toFirst, took time.Duration // toFirst is 0 without a message
}

// run makes the call. Its error is a *callError, that of a request, or that of
// onMessage.
func (x *exchange) run(ctx context.Context, requests func() (proto.Message, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if x.maxTime > 0 {
		ctx, cancel = context.WithTimeout(ctx, x.maxTime)
		defer cancel()
	}
	x.began = time.Now()
	defer func() { x.took = time.Since(x.began) }()
	if len(x.headers) > 0 {
		ctx = metadata.NewOutgoingContext(ctx, x.headers)
	}
	stream, err := x.conn.NewStream(ctx, &grpc.StreamDesc{
		ServerStreams: x.method.IsStreamingServer(), ClientStreams: x.method.IsStreamingClient(),
	}, "/"+methodPath(x.method), x.options...)
	if err != nil {
		return x.failed(err)
	}
	sent := make(chan error, 1)
	go func() {
		err := x.send(stream, requests)
		sent <- err
		if err != nil {
			cancel() // the responses are not waited for
		}
	}()
	err = x.receive(stream)
	cancel()
	x.trailer = stream.Trailer()
	select { // stdin may be read for as long as it likes
	case wrong := <-sent:
		if wrong != nil {
			return wrong
		}
	default:
	}
	return err
}

// receive hands over what comes until the end of the stream.
func (x *exchange) receive(stream grpc.ClientStream) error {
	header, err := stream.Header()
	x.toHeader = time.Since(x.began)
	if err == nil && header != nil && x.onHeader != nil {
		x.onHeader(header)
	}
	for {
		response := dynamicpb.NewMessage(x.method.Output())
		err := stream.RecvMsg(response)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return x.failed(err)
		}
		if x.toFirst == 0 {
			x.toFirst = time.Since(x.began)
		}
		var asked proto.Message
		if last := x.asked.Load(); last != nil {
			asked = *last
		}
		if err := x.onMessage(response, asked); err != nil {
			return err
		}
		if !x.method.IsStreamingServer() {
			return nil
		}
	}
}

func (x *exchange) failed(err error) error {
	return &callError{method: methodPath(x.method), status: status.Convert(err)}
}

// send sends the requests. Its error is that of a request, or of one that is too
// large; that the plugin has answered before the last one is for the receiving
// side to tell.
func (x *exchange) send(stream grpc.ClientStream, requests func() (proto.Message, error)) error {
	for {
		request, err := requests()
		if errors.Is(err, io.EOF) {
			_ = stream.CloseSend()
			return nil
		}
		if err != nil {
			return err
		}
		x.asked.Store(&request)
		if err := stream.SendMsg(request); errors.Is(err, io.EOF) {
			return nil // RecvMsg returns the status
		} else if err != nil {
			return x.failed(err)
		}
	}
}
