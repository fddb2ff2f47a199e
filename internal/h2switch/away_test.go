package h2switch

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// TestChildGoesAway stops the child gracefully under traffic, again and again,
// and starts it anew. No call may notice.
func TestChildGoesAway(t *testing.T) {
	r := newRig(t)
	child := r.child()
	echo := testpb.NewEchoClient(r.dial())
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	var calling sync.WaitGroup
	for range 8 {
		calling.Go(func() {
			for ctx.Err() == nil {
				if _, err := echo.Unary(t.Context(), &testpb.Message{Payload: make([]byte, 1000)}); err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for round := range int64(5) {
		for calls.Load() < 200*(round+1) && !t.Failed() {
			if _, err := echo.Unary(t.Context(), &testpb.Message{}); err != nil {
				t.Fatal(err)
			}
		}
		child.GracefulStop()
		child = r.child()
	}
	cancel()
	calling.Wait()
}

// TestChildFinishesAfterGoAway has a stream of an old connection go on while new
// ones use the next.
func TestChildFinishesAfterGoAway(t *testing.T) {
	r := newRig(t)
	child := r.child()
	echo := testpb.NewEchoClient(r.dial())
	old, err := echo.Bidi(within(t))
	noError(t, err)
	speak(t, old)
	stopped := make(chan struct{})
	go func() { child.GracefulStop(); close(stopped) }()
	for { // until the listener is gone: then the child's place is free
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", r.childAt)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	r.child()
	_, err = echo.Unary(within(t), &testpb.Message{}, grpc.WaitForReady(true))
	noError(t, err)
	speak(t, old)
	noError(t, old.CloseSend())
	noError(t, ended(old.Recv()))
	<-stopped
}

func speak(t *testing.T, stream grpc.BidiStreamingClient[testpb.Message, testpb.Message]) {
	t.Helper()
	noError(t, stream.Send(&testpb.Message{Count: 7}))
	m, err := stream.Recv()
	noError(t, err)
	if m.GetCount() != 7 {
		t.Fatalf("%v came back", m)
	}
}

// TestLocalGoesAway stops the local server gracefully: running streams end as
// they like, and then the connection does.
func TestLocalGoesAway(t *testing.T) {
	r := newRig(t)
	r.child()
	conn := r.dial()
	stream, err := testpb.NewEchoClient(conn).Bidi(within(t))
	noError(t, err)
	speak(t, stream)
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(within(t), &grpc_health_v1.HealthCheckRequest{})
	noError(t, err)
	_, err = watch.Recv()
	noError(t, err)
	stopped := make(chan struct{})
	go func() { r.local.GracefulStop(); close(stopped) }()
	speak(t, stream)
	watchEnd := watch.CloseSend()
	noError(t, watchEnd)
	speak(t, stream)
	noError(t, stream.CloseSend())
	noError(t, ended(stream.Recv()))
	r.local.Stop()
	<-stopped
	var away *Error
	if err := r.served(); err != nil && !errors.As(err, &away) {
		t.Fatal(err)
	}
}

// TestLocalGoesAwayIdle has nothing keep the connection.
func TestLocalGoesAwayIdle(t *testing.T) {
	r := newRig(t)
	r.child()
	conn := r.dial()
	_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
	noError(t, err)
	r.local.GracefulStop()
	noError(t, r.served())
}

// TestChildCrashes has every open call end with what Refuse says.
func TestChildCrashes(t *testing.T) {
	var refused atomic.Int32
	r := newRig(t, func(cfg *Config) {
		cfg.Refuse = func(_ context.Context, err error) *status.Status {
			var lost *Error
			if !errors.As(err, &lost) || lost.Reason != ReasonLost {
				t.Error(err)
			}
			refused.Add(1)
			return status.New(codes.Internal, "the child died: 100%")
		}
	})
	child := r.child()
	conn := r.dial()
	echo := testpb.NewEchoClient(conn)
	begun, err := echo.Bidi(within(t))
	noError(t, err)
	speak(t, begun)
	fresh, err := echo.Bidi(metadata.AppendToOutgoingContext(within(t), "do", "hang"))
	noError(t, err)
	half, err := echo.Client(within(t))
	noError(t, err)
	noError(t, half.Send(&testpb.Message{}))
	speak(t, begun) // all of it has arrived
	child.Stop()
	for _, stream := range []grpc.ClientStream{begun, fresh, half} {
		err := stream.RecvMsg(new(testpb.Message))
		wantCode(t, err, codes.Internal, "the child died: 100%")
	}
	if n := refused.Load(); n != 1 {
		t.Fatalf("Refuse was asked %d times", n)
	}
	_, err = grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
	noError(t, err)
	r.child()
	_, err = echo.Unary(within(t), &testpb.Message{})
	noError(t, err)
}

// TestChildNeverAccepts has calls end with what Refuse says to Child's error.
func TestChildNeverAccepts(t *testing.T) {
	accepted := make(chan struct{})
	r := newRig(t, func(cfg *Config) {
		cfg.Child = func(ctx context.Context) (net.Conn, error) {
			select {
			case <-accepted:
			case <-ctx.Done():
			}
			return nil, errors.New("it did not listen")
		}
	})
	conn := r.dial()
	_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
	noError(t, err)
	stream, err := testpb.NewEchoClient(conn).Bidi(within(t))
	noError(t, err)
	noError(t, stream.Send(&testpb.Message{Payload: make([]byte, 10_000)}))
	close(accepted)
	_, err = stream.Recv()
	wantCode(t, err, codes.Unavailable, "it did not listen")
	_, err = testpb.NewEchoClient(conn).Unary(within(t), &testpb.Message{})
	wantCode(t, err, codes.Unavailable, "it did not listen")
}

// TestChildComesLate has calls wait, in order and with their messages.
func TestChildComesLate(t *testing.T) {
	r := newRig(t)
	conn := r.dial()
	echo := testpb.NewEchoClient(conn)
	var calling sync.WaitGroup
	for i := range 30 {
		calling.Go(func() {
			m, err := echo.Unary(t.Context(), &testpb.Message{Payload: make([]byte, 4000*i)})
			if err != nil || len(m.GetPayload()) != 4000*i {
				t.Errorf("%d bytes of %d, %v", len(m.GetPayload()), 4000*i, err)
			}
		})
	}
	for range 20 { // the local server's calls do not wait
		_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
		noError(t, err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	_, err := echo.Bidi(cancelled)
	noError(t, err)
	cancel()
	r.child()
	calling.Wait()
}

// TestChildTakesOneAtATime has many callers wait for a child of few streams.
func TestChildTakesOneAtATime(t *testing.T) {
	r := newRig(t)
	r.child(grpc.MaxConcurrentStreams(1))
	echo := testpb.NewEchoClient(r.dial())
	var calling sync.WaitGroup
	for range 50 {
		calling.Go(func() {
			for range 10 {
				if _, err := echo.Unary(t.Context(), &testpb.Message{Payload: make([]byte, 80_000)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calling.Wait()
}

// TestTooManyWait ends calls that would have to wait beyond the limit.
func TestTooManyWait(t *testing.T) {
	r := newRig(t, func(cfg *Config) { cfg.Limits.Waiting = 3 })
	conn := r.dial()
	echo := testpb.NewEchoClient(conn)
	waiting := make([]grpc.BidiStreamingClient[testpb.Message, testpb.Message], 3)
	for i := range waiting {
		var err error
		waiting[i], err = echo.Bidi(within(t))
		noError(t, err)
	}
	_, err := echo.Unary(within(t), &testpb.Message{})
	wantCode(t, err, codes.ResourceExhausted, "3 calls wait")
	r.child()
	for _, stream := range waiting {
		speak(t, stream)
	}
}

// TestAmend has the last word of the child changed.
func TestAmend(t *testing.T) {
	r := newRig(t, func(cfg *Config) {
		cfg.Amend = func(st *status.Status, largest int64) *status.Status {
			if st.Code() != codes.ResourceExhausted || largest < 100_000 {
				return st
			}
			changed := st.Proto()
			changed.Message += " (advice: 50 %)"
			return status.FromProto(changed)
		}
	})
	r.child(grpc.MaxRecvMsgSize(1000))
	echo := testpb.NewEchoClient(r.dial())
	_, err := echo.Unary(within(t), &testpb.Message{Payload: make([]byte, 200_000)})
	wantCode(t, err, codes.ResourceExhausted, "(advice: 50 %)")
	_, err = echo.Unary(within(t), &testpb.Message{Payload: make([]byte, 2000)})
	wantCode(t, err, codes.ResourceExhausted, "larger than max")
	if strings.Contains(err.Error(), "advice") {
		t.Fatal(err)
	}
	_, err = echo.Unary(metadata.AppendToOutgoingContext(within(t), "do", "fail"), &testpb.Message{})
	wantCode(t, err, codes.DataLoss, "100 % lost: ünïcode")
}
