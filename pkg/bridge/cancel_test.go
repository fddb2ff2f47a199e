//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// Hosts cancel streams while messages flow, and the child's trailers come in
// meanwhile: they may not be read before its last message, which the race
// detector sees.
func TestCancelledStreams(t *testing.T) {
	r := newRig(t, childConfig{})
	until := time.Now().Add(2 * time.Second)
	if testing.Short() {
		until = time.Now().Add(200 * time.Millisecond)
	}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for n := worker; time.Now().Before(until); n++ {
				if err := cancelAfter(t, r, 1+n%20); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if _, err := r.Unary(t.Context(), &testpb.Message{}); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// cancelAfter has the child send about what one window holds, so that its trailers
// are there before the bridge has passed all on, and cancels after n messages.
func cancelAfter(t *testing.T, r *rig, n int) error {
	t.Helper()
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(t.Context(), given()))
	defer cancel()
	stream, err := r.Server(ctx, &testpb.Message{Payload: make([]byte, 1000), Count: int32(70 + n)})
	if err != nil {
		return err
	}
	for range n {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
	cancel()
	if _, err := drain(stream); err != nil && status.Code(err) != codes.Canceled {
		return err
	}
	return nil
}

// garbled is a compression that nothing can be read from. It is registered in
// the process of host and bridge.
type garbled struct{}

func (garbled) Name() string { return "garbled" }

func (garbled) Compress(w io.Writer) (io.WriteCloser, error) { return garbledWriter{w}, nil }

func (garbled) Decompress(io.Reader) (io.Reader, error) { return nil, errors.New("it is garbled") }

type garbledWriter struct{ io.Writer }

func (garbledWriter) Close() error { return nil }

// Messages are passed on as they are: a compression that the child does not know
// is the child's to refuse.
func TestUnreadableMessage(t *testing.T) {
	r := newRig(t, childConfig{})
	unreadable := func(what string, err error) {
		t.Helper()
		if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), `"garbled"`) {
			t.Errorf("%s: %v, expected Unimplemented and the name of the compression", what, err)
		}
	}
	message := &testpb.Message{Payload: bytes.Repeat([]byte("a"), 100)}
	_, err := r.Unary(t.Context(), message, grpc.UseCompressor("garbled"))
	unreadable("unary", err)
	stream, err := r.Bidi(t.Context(), grpc.UseCompressor("garbled"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(message); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	unreadable("stream", err)
}

// A question to the reflection of a child that accepts and never speaks does not
// hold up the stop.
func TestShutdownOfAMuteChild(t *testing.T) {
	r := newRig(t, childConfig{ServeAfter: time.Hour})
	stream, err := reflectionv1.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the child accepts", func() bool { return r.logs.has("DEBUG child accepts") })
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := services.Shutdown(t.Context(), r.conn); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if answer, err := stream.Recv(); err != nil || answer.GetListServicesResponse() == nil {
		t.Errorf("the question was cut off: %v, %v; expected an answer without the child's part", answer, err)
	}
	_ = stream.CloseSend()
	if err := r.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took >= hostWait {
		t.Errorf("the stop took %s", took)
	}
}
