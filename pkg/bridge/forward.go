package bridge

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// forwarder passes the host's calls on to the child, message by message and
// undecoded. It is all that knows how calls travel.
type forwarder struct{ child *child }

// serverOptions make the host's server hand messages over undecoded.
func (f *forwarder) serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ForceServerCodecV2(rawCodec{})}
}

// handle is one call: every service that the bridge does not own itself comes
// here.
func (f *forwarder) handle(_ any, host grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(host)
	if !ok {
		return status.Error(codes.Internal, "the call has no method")
	}
	conn, err := f.child.connection(host.Context())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(outgoing(host.Context()))
	defer cancel()
	ctx, answer := awaitAnswer(ctx)
	var largest atomic.Int64
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
		grpc.ForceCodecV2(rawCodec{}))
	if err != nil {
		return f.child.explain(host.Context(), err)
	}
	go func() { // ends with the call: then every Recv of the host's stream does
		if err := upstream(host, stream, &largest); err != nil {
			cancel() // the host has cancelled, or gRPC has told it what was wrong
		}
	}()
	ended, err := downstream(stream, host)
	if !ended { // the host's side has failed, and gRPC knows why
		return err
	}
	host.SetTrailer(stream.Trailer())
	if answer.came() {
		return adviseLimit(err, largest.Load())
	}
	return f.child.explain(host.Context(), err)
}

// upstream passes the host's messages on and notes the length of the largest.
func upstream(host grpc.ServerStream, child grpc.ClientStream, largest *atomic.Int64) error {
	for {
		var message frame
		if err := host.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return child.CloseSend()
			}
			return err
		}
		largest.Store(max(largest.Load(), int64(message.data.Len())))
		if err := child.SendMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // the child has answered already; downstream tells what
			}
			return err
		}
	}
}

// downstream passes the child's headers and messages on until its status.
// ended is whether that came: then err is the status, and there are trailers.
func downstream(child grpc.ClientStream, host grpc.ServerStream) (ended bool, err error) {
	header, err := child.Header()
	if err == nil && len(header) > 0 {
		if err := host.SendHeader(header); err != nil {
			return false, err
		}
	}
	for {
		var message frame
		if err := child.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return true, nil
			}
			return true, err
		}
		if err := host.SendMsg(&message); err != nil {
			return false, err
		}
	}
}

// outgoing carries the host's metadata over; deadline and cancellation travel
// with the context. Headers of the connection itself are gRPC's own business
// on each side.
func outgoing(ctx context.Context) context.Context {
	incoming, ok := metadata.FromIncomingContext(ctx)
	if !ok {
		return ctx
	}
	passed := incoming.Copy()
	for _, own := range []string{":authority", "content-type", "user-agent", "grpc-accept-encoding"} {
		passed.Delete(own)
	}
	return metadata.NewOutgoingContext(ctx, passed)
}
