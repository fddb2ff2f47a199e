//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

func TestKindsOfCalls(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			r := newRig(t, childConfig{}, func(c *bridge.Config) { c.ChildNetwork = network })
			answer, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte("one")})
			if err != nil || string(answer.GetPayload()) != "one" {
				t.Errorf("unary: %v, %v", answer, err)
			}
			for _, n := range []int32{0, 1, 50} {
				served, err := r.Server(t.Context(), &testpb.Message{Payload: []byte("s"), Count: n})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := drain(served); got != int(n) || err != nil {
					t.Errorf("server: %d messages and %v, expected %d", got, err, n)
				}
				clientStream(t, r, int(n))
				bidi(t, r, int(n))
			}
		})
	}
}

// drain counts the messages of a stream until its status.
func drain(stream grpc.ServerStreamingClient[testpb.Message]) (int, error) {
	for n := 0; ; n++ {
		if _, err := stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
	}
}

// clientStream sends n messages and closes: the answer comes after that.
func clientStream(t *testing.T, r *rig, n int) {
	t.Helper()
	stream, err := r.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range n {
		part := fmt.Appendf(nil, "%d,", i)
		want = append(want, part...)
		if err := stream.Send(&testpb.Message{Payload: part}); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil || int(answer.GetCount()) != n || !bytes.Equal(answer.GetPayload(), want) {
		t.Errorf("client stream of %d: %v, %v", n, answer, err)
	}
}

// bidi sends n messages, each after the answer to the one before, and
// half-closes: then the child ends the call.
func bidi(t *testing.T, r *rig, n int) {
	t.Helper()
	stream, err := r.Bidi(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := stream.Send(&testpb.Message{Count: int32(i)}); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil || int(answer.GetCount()) != i {
			t.Fatalf("bidi answer %d: %v, %v", i, answer, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the half-close: %v, expected EOF", err)
	}
}

func TestBigMessages(t *testing.T) {
	r := newRig(t, childConfig{})
	payload := make([]byte, 20<<20)
	_, _ = rand.Read(payload)
	answer, err := r.Unary(t.Context(), &testpb.Message{Payload: payload})
	if err != nil || !bytes.Equal(answer.GetPayload(), payload) {
		t.Errorf("20 MiB: %d bytes back, %v", len(answer.GetPayload()), err)
	}
	answer, err = r.Unary(t.Context(), &testpb.Message{Payload: payload[:256<<10]}, grpc.UseCompressor(gzip.Name))
	if err != nil || !bytes.Equal(answer.GetPayload(), payload[:256<<10]) {
		t.Errorf("256 KiB compressed by the host: %d bytes back, %v", len(answer.GetPayload()), err)
	}
	answer, err = r.Unary(asking(t.Context(), "compressed"), &testpb.Message{Payload: payload[:256<<10]})
	if err != nil || !bytes.Equal(answer.GetPayload(), payload[:256<<10]) {
		t.Errorf("256 KiB compressed by the child: %d bytes back, %v", len(answer.GetPayload()), err)
	}
}

// A child that has not raised gRPC's limit says so itself; how to raise it the
// bridge adds.
func TestBigMessageForSmallChild(t *testing.T) {
	r := newRig(t, childConfig{DefaultLimit: true})
	_, err := r.Unary(t.Context(), &testpb.Message{Payload: make([]byte, 5<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v, expected ResourceExhausted", err)
	}
	if message := status.Convert(err).Message(); !strings.Contains(message, "gRPC servers take 4 MiB unless the program raises that") {
		t.Errorf("message is %q, expected it to say how the limit is raised", message)
	}
}

func TestConcurrentCalls(t *testing.T) {
	r := newRig(t, childConfig{})
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			payload := bytes.Repeat(fmt.Appendf(nil, "%03d.", i), 1+i*20)
			answer, err := r.Unary(t.Context(), &testpb.Message{Payload: payload, DelayMs: int32(i % 7)})
			if err != nil || !bytes.Equal(answer.GetPayload(), payload) {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	calls.Wait()
}

func TestDeadlineArrives(t *testing.T) {
	r := newRig(t, childConfig{})
	without, err := r.Unary(asking(context.Background(), "deadline"), &testpb.Message{})
	if err != nil || without.GetCount() != -1 {
		t.Errorf("without: %v, %v", without, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	with, err := r.Unary(asking(ctx, "deadline"), &testpb.Message{})
	if err != nil || with.GetCount() >= 30_000 || with.GetCount() < 20_000 {
		t.Errorf("with 30 s: %v, %v; expected a little less", with, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Unary(asking(short, "hang"), &testpb.Message{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("past its deadline: %v", err)
	}
	eventually(t, patience, "the child sees the deadline pass", func() bool { return r.report().Cancelled == 1 })
}

func TestCancellationArrives(t *testing.T) {
	r := newRig(t, childConfig{})
	ctx, cancel := context.WithCancel(asking(t.Context(), "hang"))
	failed := make(chan error, 1)
	go func() {
		_, err := r.Unary(ctx, &testpb.Message{})
		failed <- err
	}()
	streamed, err := r.Bidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := streamed.Send(&testpb.Message{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "two calls run", func() bool { return r.report().Started == 2 })
	cancel()
	if err := <-failed; status.Code(err) != codes.Canceled {
		t.Errorf("unary: %v", err)
	}
	if _, err := streamed.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("bidi: %v", err)
	}
	eventually(t, patience, "the child sees both cancelled", func() bool { return r.report().Cancelled == 2 })
}

// A child may end a call while the host still sends.
func TestChildEndsFirst(t *testing.T) {
	r := newRig(t, childConfig{})
	stream, err := r.Client(asking(t.Context(), "refuse"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = stream.Send(&testpb.Message{Payload: make([]byte, 10_000)})
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("sending: %v, expected EOF", err)
	}
	if _, err := stream.CloseAndRecv(); status.Code(err) != codes.ResourceExhausted || status.Convert(err).Message() != "no more" {
		t.Errorf("status: %v", err)
	}
}
