// Package echo is the plugin that load is put on when no other is named, and
// both ends of calls that carry nothing but bytes.
//
// Its service has the four kinds of calls, with google.protobuf.BytesValue for
// every message, and some more that tell of the plugin's life. It counts what it
// has served, so that a caller's count can be held against it.
package echo

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// ServiceName is the service, and the others its methods as paths.
const (
	ServiceName = "rpcplugin.bench.Echo"
	Unary       = "/" + ServiceName + "/Unary"
	Client      = "/" + ServiceName + "/Client"
	Server      = "/" + ServiceName + "/Server"
	Bidi        = "/" + ServiceName + "/Bidi"
	// Count answers how many operations were served before it.
	Count = "/" + ServiceName + "/Count"
	// Offer offers the service through the broker and answers the service id.
	Offer = "/" + ServiceName + "/Offer"
	// Print writes as many bytes to the plugin's stdout as it is told.
	Print = "/" + ServiceName + "/Print"
)

// messagesKey is the metadata that says how many messages Server sends.
const messagesKey = "rpcplugin-messages"

// Plugin is what the service needs of a plugin. Either may be nil; what needs it
// then answers Unimplemented.
type Plugin struct {
	// Offer serves through the broker and returns the service id.
	Offer func(register func(grpc.ServiceRegistrar)) uint32
	// Stdout is printed on.
	Stdout func() io.Writer
}

// service counts operations: a unary call, a stream of Client or Server, and
// each message of Bidi.
type service struct {
	plugin Plugin
	served atomic.Uint64
}

// Register adds the service to r.
func Register(r grpc.ServiceRegistrar, plugin Plugin) {
	r.RegisterService(description(), &service{plugin: plugin})
}

func description() *grpc.ServiceDesc {
	stream := func(serve func(*service, grpc.ServerStream) error) grpc.StreamHandler {
		return func(srv any, stream grpc.ServerStream) error { return serve(srv.(*service), stream) }
	}
	return &grpc.ServiceDesc{
		ServiceName: ServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Unary", Handler: unary((*service).unary)},
			{MethodName: "Count", Handler: unary((*service).count)},
			{MethodName: "Offer", Handler: unary((*service).offer)},
			{MethodName: "Print", Handler: unary((*service).output)},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "Client", Handler: stream((*service).client), ClientStreams: true},
			{StreamName: "Server", Handler: stream((*service).server), ServerStreams: true},
			{StreamName: "Bidi", Handler: stream((*service).bidi), ClientStreams: true, ServerStreams: true},
		},
	}
}

type unaryMethod func(*service, *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error)

func unary(serve unaryMethod) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := new(wrapperspb.BytesValue)
		if err := decode(request); err != nil {
			return nil, err
		}
		handle := func(_ context.Context, request any) (any, error) {
			return serve(srv.(*service), request.(*wrapperspb.BytesValue))
		}
		if intercept == nil {
			return handle(ctx, request)
		}
		return intercept(ctx, request, &grpc.UnaryServerInfo{Server: srv}, handle)
	}
}

func (s *service) unary(request *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	s.served.Add(1)
	return request, nil
}

func (s *service) count(*wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	return number(s.served.Load()), nil
}

func (s *service) offer(*wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	if s.plugin.Offer == nil {
		return nil, status.Error(codes.Unimplemented, "there is no broker here")
	}
	return number(uint64(s.plugin.Offer(func(r grpc.ServiceRegistrar) { Register(r, Plugin{}) }))), nil
}

func (s *service) output(request *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	if s.plugin.Stdout == nil {
		return nil, status.Error(codes.Unimplemented, "there is no stdio here")
	}
	out, chunk := s.plugin.Stdout(), make([]byte, 64<<10)
	for left := numberIn(request); left > 0; {
		n := min(left, uint64(len(chunk)))
		if _, err := out.Write(chunk[:n]); err != nil {
			return nil, err
		}
		left -= n
	}
	return request, nil
}

// client answers the last message.
func (s *service) client(stream grpc.ServerStream) error {
	message := new(wrapperspb.BytesValue)
	for {
		err := stream.RecvMsg(message)
		if errors.Is(err, io.EOF) {
			s.served.Add(1)
			return stream.SendMsg(message)
		}
		if err != nil {
			return err
		}
	}
}

// server sends the message as often as the metadata says.
func (s *service) server(stream grpc.ServerStream) error {
	message := new(wrapperspb.BytesValue)
	if err := stream.RecvMsg(message); err != nil {
		return err
	}
	s.served.Add(1)
	times := 1
	if asked := metadata.ValueFromIncomingContext(stream.Context(), messagesKey); len(asked) > 0 {
		n, err := strconv.Atoi(asked[0])
		if err != nil {
			return status.Errorf(codes.InvalidArgument, "%s %q is no number", messagesKey, asked[0])
		}
		times = n
	}
	for range times {
		if err := stream.SendMsg(message); err != nil {
			return err
		}
	}
	return nil
}

// bidi answers each message with itself.
func (s *service) bidi(stream grpc.ServerStream) error {
	for {
		message := new(wrapperspb.BytesValue)
		err := stream.RecvMsg(message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.served.Add(1)
		if err := stream.SendMsg(message); err != nil {
			return err
		}
	}
}

// number is a number as a message.
func number(n uint64) *wrapperspb.BytesValue {
	return wrapperspb.Bytes(binary.BigEndian.AppendUint64(nil, n))
}

func numberIn(message *wrapperspb.BytesValue) uint64 {
	value := message.GetValue()
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// Ask calls Count, Offer or Print with a number and returns the answer.
func Ask(ctx context.Context, conn grpc.ClientConnInterface, method string, n uint64) (uint64, error) {
	answer := new(wrapperspb.BytesValue)
	if err := conn.Invoke(ctx, method, number(n), answer); err != nil {
		return 0, err
	}
	return numberIn(answer), nil
}
