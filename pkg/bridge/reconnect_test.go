//go:build unix

package bridge_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// The child ends the connection and the call with it, and lives.
func TestConnectionCutInACall(t *testing.T) {
	r := newRig(t, childConfig{MaxAge: 50 * time.Millisecond, CutOld: true})
	began := time.Now()
	_, err := r.Unary(asking(t.Context(), "hang"), &testpb.Message{})
	t.Logf("known after %s", time.Since(began))
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), `" closed its connection`) {
		t.Errorf("got %v", err)
	}
	if _, err := r.Unary(t.Context(), &testpb.Message{}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A child that ends its connections, with GOAWAY, lives on: calls go over new
// ones, and none is lost.
func TestChildClosesItsConnection(t *testing.T) {
	r := newRig(t, childConfig{MaxAge: 100 * time.Millisecond})
	pid := r.report().Pid
	for began := time.Now(); time.Since(began) < 1200*time.Millisecond; {
		answer, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte("still here")})
		if err != nil || string(answer.GetPayload()) != "still here" {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
	}
	if got := r.report().Pid; got != pid {
		t.Errorf("child %d became %d", pid, got)
	}
}

// The child's own Unavailable is its answer, whatever becomes of a connection
// that it has left.
func TestUnavailableAfterReconnect(t *testing.T) {
	r := newRig(t, childConfig{MaxAge: 100 * time.Millisecond}, func(c *bridge.Config) { c.ChildNetwork = "tcp" })
	old, err := r.Bidi(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	turn(t, old.Send, old.Recv)
	first := r.report().Peer
	eventually(t, patience, "calls go over a new connection", func() bool { return r.report().Peer != first })
	turn(t, old.Send, old.Recv)
	_ = old.CloseSend()
	if _, err := old.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("the old stream: %v", err)
	}
	for range 20 { // meanwhile the old connection closes
		began := time.Now()
		_, err := r.Unary(t.Context(), &testpb.Message{FailCode: int32(codes.Unavailable), Payload: []byte("busy")})
		if status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "busy" || time.Since(began) > 500*time.Millisecond {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
	}
}

// turn is one question and answer on a stream.
func turn(t *testing.T, send func(*testpb.Message) error, recv func() (*testpb.Message, error)) {
	t.Helper()
	if err := send(&testpb.Message{Payload: []byte("turn")}); err != nil {
		t.Fatal(err)
	}
	if answer, err := recv(); err != nil || string(answer.GetPayload()) != "turn" {
		t.Fatalf("turn: %v, %v", answer, err)
	}
}
