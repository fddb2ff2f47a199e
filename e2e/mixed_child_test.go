//go:build e2e && linux

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // answers are compressed as their requests are
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// The children of the mixed calls, in Go here and in testdata/mixed, echo as the
// service says, and moreover do what a call's metadata ask for:
//
//	x-…          sent back in header and trailer
//	do: hang     no answer, ever
//	do: early    the end after the first request
//	do: totals   mixedTotals as JSON, of a unary call
//	counted      in the totals, if the call ends well
//	squeeze      answers may be compressed
//
// Trailers "received" and "sent" are a mixedTally of the call, as text.

// mixedVariable makes this program such a child.
const mixedVariable = "E2E_MIXED_CHILD"

// mixedTally is what has travelled one way in one call.
type mixedTally struct {
	messages, bytes int64
	digest          hash.Hash
}

func newMixedTally() *mixedTally { return &mixedTally{digest: sha256.New()} }

func (t *mixedTally) add(message *testpb.Message) *testpb.Message {
	t.messages++
	t.bytes += int64(len(message.GetPayload()))
	t.digest.Write(message.GetPayload())
	return message
}

func (t *mixedTally) String() string {
	return fmt.Sprintf("%d %d %x", t.messages, t.bytes, t.digest.Sum(nil))
}

// mixedSum is what has travelled one way in all calls.
type mixedSum struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	Check    int64 `json:"check"` // the sum of what the digests begin with
}

func (s *mixedSum) add(t *mixedTally) {
	s.Messages += t.messages
	s.Bytes += t.bytes
	d := t.digest.Sum(nil)
	s.Check += int64(d[0])<<24 | int64(d[1])<<16 | int64(d[2])<<8 | int64(d[3])
}

// mixedTotals is what a child tells of itself.
type mixedTotals struct {
	Pid      int      `json:"pid"`
	Open     int      `json:"open"`  // calls that run
	Calls    int      `json:"calls"` // that were counted
	Received mixedSum `json:"received"`
	Sent     mixedSum `json:"sent"`
}

// mixedEcho is the child in Go.
type mixedEcho struct {
	testpb.UnimplementedEchoServer

	mu     sync.Mutex
	totals mixedTotals
}

func playMixed() error {
	listener, err := net.Listen("unix", os.Getenv(bridge.EnvChildSocket))
	if err != nil {
		return err
	}
	const most = 1 << 30
	plain := grpc.NewServer(grpc.MaxRecvMsgSize(most), grpc.MaxSendMsgSize(most))
	testpb.RegisterEchoServer(plain, &mixedEcho{totals: mixedTotals{Pid: os.Getpid()}})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		plain.Stop()
	}()
	return plain.Serve(listener)
}

// mixedServed is one call that the child serves.
type mixedServed struct {
	ctx            context.Context
	asked, back    metadata.MD
	received, sent *mixedTally
}

func (e *mixedEcho) asks(ctx context.Context, what string) bool {
	asked, _ := metadata.FromIncomingContext(ctx)
	return strings.Join(asked.Get("do"), "") == what
}

// serve surrounds the serving of a call.
func (e *mixedEcho) serve(ctx context.Context, header func(metadata.MD) error, trailer func(metadata.MD), do func(*mixedServed) error) error {
	asked, _ := metadata.FromIncomingContext(ctx)
	c := &mixedServed{ctx: ctx, asked: asked, back: maps.Clone(asked), received: newMixedTally(), sent: newMixedTally()}
	maps.DeleteFunc(c.back, func(key string, _ []string) bool { return !strings.HasPrefix(key, "x-") })
	e.mu.Lock()
	e.totals.Open++
	e.mu.Unlock()
	err := header(c.back)
	if err == nil && e.asks(ctx, "hang") {
		<-ctx.Done()
		err = ctx.Err()
	}
	if err == nil {
		err = do(c)
	}
	trailer(c.back)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.totals.Open--
	if err != nil {
		return err
	}
	trailer(metadata.Pairs("received", c.received.String(), "sent", c.sent.String()))
	if len(asked.Get("counted")) > 0 {
		e.totals.Calls++
		e.totals.Received.add(c.received)
		e.totals.Sent.add(c.sent)
	}
	return nil
}

// take does what a request asks for.
func (c *mixedServed) take(in *testpb.Message) error {
	c.received.add(in)
	if in.GetDelayMs() > 0 {
		select {
		case <-time.After(time.Duration(in.GetDelayMs()) * time.Millisecond):
		case <-c.ctx.Done():
		}
	}
	if in.GetFailCode() != 0 {
		return status.Error(codes.Code(in.GetFailCode()), string(in.GetPayload()))
	}
	return nil
}

func (e *mixedEcho) Unary(ctx context.Context, in *testpb.Message) (*testpb.Message, error) {
	if e.asks(ctx, "totals") {
		e.mu.Lock()
		defer e.mu.Unlock()
		payload, err := json.Marshal(e.totals)
		return &testpb.Message{Payload: payload}, err
	}
	header := func(md metadata.MD) error { return grpc.SendHeader(ctx, md) }
	trailer := func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) }
	err := e.serve(ctx, header, trailer, func(c *mixedServed) error {
		if err := c.take(in); err != nil {
			return err
		}
		c.sent.add(in)
		return nil
	})
	return in, err
}

func (e *mixedEcho) Server(in *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	return e.serve(stream.Context(), stream.SendHeader, stream.SetTrailer, func(c *mixedServed) error {
		err := c.take(in)
		for i := int32(0); i < in.GetCount() && err == nil; i++ {
			err = stream.Send(c.sent.add(&testpb.Message{Payload: in.GetPayload()}))
		}
		return err
	})
}

func (e *mixedEcho) Client(stream grpc.ClientStreamingServer[testpb.Message, testpb.Message]) error {
	return e.serve(stream.Context(), stream.SendHeader, stream.SetTrailer, func(c *mixedServed) error {
		answer := &testpb.Message{}
		err := e.each(c, stream.Recv, func(in *testpb.Message) error {
			answer.Payload = append(answer.Payload, in.GetPayload()...)
			answer.Count++
			return nil
		})
		if err != nil {
			return err
		}
		return stream.SendAndClose(c.sent.add(answer))
	})
}

func (e *mixedEcho) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	return e.serve(stream.Context(), stream.SendHeader, stream.SetTrailer, func(c *mixedServed) error {
		return e.each(c, stream.Recv, func(in *testpb.Message) error { return stream.Send(c.sent.add(in)) })
	})
}

// each takes the requests of a call, one if it asks for an early end.
func (e *mixedEcho) each(c *mixedServed, next func() (*testpb.Message, error), do func(*testpb.Message) error) error {
	for {
		in, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.take(in)
		}
		if err == nil {
			err = do(in)
		}
		if err != nil || e.asks(c.ctx, "early") {
			return err
		}
	}
}
