package echo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pyvider/rpcplugin/internal/load"
)

// Method is what is called: a path, its kind, and the messages to send.
type Method struct {
	// Path is "/package.Service/Method".
	Path string
	// ClientStreams and ServerStreams say what streams.
	ClientStreams, ServerStreams bool
	// Requests are the messages to send, encoded: one, or those of a stream.
	Requests [][]byte
	// Answers is how many bytes each answer must have, encoded; 0 is any.
	Answers int
	// Messages is how many Server is asked for.
	Messages int
	// PingPong keeps one stream open for each caller: a call is one message that
	// is answered. Else a call is one stream, from its opening to its end.
	PingPong bool
}

// Kinds are the calls of the service: unary, client, server, bidi.
func Kinds() []string { return []string{"unary", "client", "server", "bidi"} }

// MethodOf is a call of the service with messages of size bytes. A stream of
// client or server has that many messages.
func MethodOf(kind string, size, messages int) (Method, error) {
	data, err := proto.Marshal(wrapperspb.Bytes(make([]byte, size)))
	if err != nil {
		return Method{}, err
	}
	m := Method{Path: Unary, Requests: [][]byte{data}, Answers: len(data)}
	switch kind {
	case "unary":
	case "client":
		m.Path, m.ClientStreams = Client, true
		for range messages - 1 {
			m.Requests = append(m.Requests, data)
		}
	case "server":
		m.Path, m.ServerStreams, m.Messages = Server, true, messages
	case "bidi":
		m.Path, m.ClientStreams, m.ServerStreams, m.PingPong = Bidi, true, true, true
	default:
		return Method{}, fmt.Errorf("kind %q of a call, expected one of %q", kind, Kinds())
	}
	return m, nil
}

// Encoded is a message that is encoded already.
type encoded struct{ data []byte }

// dropped takes a message and keeps its length.
type dropped struct{ size int }

// bytesCodec carries messages as they are, under the name of the usual codec.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*encoded).data)}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*dropped).size = data.Len()
	return nil
}

// Caller returns the calls of one worker, over one connection.
func (m Method) Caller(ctx context.Context, conn grpc.ClientConnInterface) (load.Call, error) {
	if m.Messages > 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, messagesKey, strconv.Itoa(m.Messages))
	}
	c := &caller{method: m, conn: conn, outgoing: ctx, options: []grpc.CallOption{grpc.ForceCodecV2(bytesCodec{})}}
	for _, request := range m.Requests {
		c.requests = append(c.requests, &encoded{request})
	}
	c.description = &grpc.StreamDesc{ClientStreams: m.ClientStreams, ServerStreams: m.ServerStreams}
	switch {
	case m.PingPong:
		return c.pingPong, nil
	case m.ClientStreams || m.ServerStreams:
		return c.stream, nil
	default:
		return c.unary, nil
	}
}

type caller struct {
	method      Method
	conn        grpc.ClientConnInterface
	outgoing    context.Context //nolint:containedctx // that of all of the worker's calls
	options     []grpc.CallOption
	description *grpc.StreamDesc
	requests    []*encoded
	answer      dropped
	open        grpc.ClientStream // of pingPong
}

// check looks at the length of an answer.
func (c *caller) check() error {
	if want := c.method.Answers; want != 0 && c.answer.size != want {
		return status.Errorf(codes.DataLoss, "an answer of %d bytes, expected \"%d\"", c.answer.size, want)
	}
	return nil
}

func (c *caller) unary(context.Context) error {
	if err := c.conn.Invoke(c.outgoing, c.method.Path, c.requests[0], &c.answer, c.options...); err != nil {
		return err
	}
	return c.check()
}

// stream opens a stream, sends all and reads to the end.
func (c *caller) stream(context.Context) error {
	stream, err := c.conn.NewStream(c.outgoing, c.description, c.method.Path, c.options...)
	if err != nil {
		return err
	}
	for _, request := range c.requests {
		if err := stream.SendMsg(request); err != nil {
			break // the receiving side tells
		}
	}
	_ = stream.CloseSend()
	for answers := 0; ; answers++ {
		err := stream.RecvMsg(&c.answer)
		if errors.Is(err, io.EOF) && c.method.Messages > 0 && answers != c.method.Messages {
			return status.Errorf(codes.DataLoss, "%d answers, expected \"%d\"", answers, c.method.Messages)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.check()
		}
		if err != nil || !c.method.ServerStreams {
			return err
		}
	}
}

// pingPong sends one message and reads one; a stream that failed is opened anew.
func (c *caller) pingPong(context.Context) error {
	if c.open == nil {
		stream, err := c.conn.NewStream(c.outgoing, c.description, c.method.Path, c.options...)
		if err != nil {
			return err
		}
		c.open = stream
	}
	_ = c.open.SendMsg(c.requests[0]) // the receiving side tells
	err := c.open.RecvMsg(&c.answer)
	if errors.Is(err, io.EOF) {
		err = status.Error(codes.DataLoss, "the stream ended before its answer")
	}
	if err != nil {
		c.open = nil
		return err
	}
	return c.check()
}
