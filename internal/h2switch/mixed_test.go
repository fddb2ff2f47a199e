package h2switch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// TestMixedCalls makes calls of every kind at once and checks what comes back.
func TestMixedCalls(t *testing.T) {
	calls := 10_000
	if raceEnabled { // which makes each ten times as long
		calls = 2000
	}
	if testing.Short() {
		calls = 1000
	}
	t.Run("sockets", func(t *testing.T) { mixedCalls(t, calls, newRig(t)) })
	t.Run("blocking", func(t *testing.T) {
		mixedCalls(t, calls/5, newRigOf(t, func(conn net.Conn) net.Conn { return plain{conn} }))
	})
}

func mixedCalls(t *testing.T, calls int, r *rig) {
	t.Helper()
	r.child()
	conn := r.dial()
	echo, health := testpb.NewEchoClient(conn), grpc_health_v1.NewHealthClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	kinds := []func(context.Context, *rand.Rand, testpb.EchoClient) error{
		mixedUnary, mixedServer, mixedClient, mixedBidi, mixedFailure, mixedDeadline, mixedCancel, mixedHalf,
		func(ctx context.Context, _ *rand.Rand, _ testpb.EchoClient) error {
			_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
			return err
		},
	}
	var calling sync.WaitGroup
	const workers = 40
	for worker := range workers {
		calling.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range calls / workers {
				kind := random.IntN(len(kinds))
				if err := kinds[kind](ctx, random, echo); err != nil {
					t.Errorf("worker %d, call %d of kind %d: %v", worker, i, kind, err)
					return
				}
			}
		})
	}
	calling.Wait()
}

func payload(random *rand.Rand) []byte {
	size := []int{0, 1, 100, 5000, 16384, 70_000, 300_000}[random.IntN(7)]
	if random.IntN(300) == 0 {
		size = 5_000_000
	}
	return bytes.Repeat([]byte{byte(random.IntN(256))}, size)
}

func mixedUnary(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	var header, trailer metadata.MD
	opts := []grpc.CallOption{grpc.Header(&header), grpc.Trailer(&trailer)}
	if random.IntN(3) == 0 {
		opts = append(opts, grpc.UseCompressor(gzip.Name))
	}
	long := strings.Repeat("v", random.IntN(32<<10))
	binary := string([]byte{0, 1, 2, 0xff, byte(random.IntN(256))})
	ctx = metadata.AppendToOutgoingContext(ctx, "x-long", long, "x-some-bin", binary, "x-twice", "1", "x-twice", "2")
	sent := payload(random)
	m, err := echo.Unary(ctx, &testpb.Message{Payload: sent}, opts...)
	if err != nil {
		return err
	}
	for _, md := range []metadata.MD{header, trailer} {
		if strings.Join(md.Get("x-long"), "") != long || strings.Join(md.Get("x-some-bin"), "") != binary || len(md.Get("x-twice")) != 2 {
			return fmt.Errorf("metadata differ: %.200v", md)
		}
	}
	if strings.Join(trailer.Get("x-end"), "") != "trailer" || !bytes.Equal(m.GetPayload(), sent) {
		return fmt.Errorf("%d bytes came back of %d", len(m.GetPayload()), len(sent))
	}
	return nil
}

func mixedServer(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	sent := &testpb.Message{Payload: payload(random), Count: int32(random.IntN(5))}
	stream, err := echo.Server(ctx, sent)
	if err != nil {
		return err
	}
	for range sent.GetCount() {
		m, err := stream.Recv()
		if err != nil || !bytes.Equal(m.GetPayload(), sent.GetPayload()) {
			return fmt.Errorf("%d bytes of %d, %w", len(m.GetPayload()), len(sent.GetPayload()), err)
		}
	}
	return ended(stream.Recv())
}

// ended checks that a stream has ended with OK.
func ended(_ *testpb.Message, err error) error {
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("not the end: %w", err)
	}
	return nil
}

func mixedClient(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	stream, err := echo.Client(ctx)
	if err != nil {
		return err
	}
	total := 0
	for range random.IntN(5) {
		sent := payload(random)
		total += len(sent)
		if err := stream.Send(&testpb.Message{Payload: sent}); err != nil {
			return err
		}
	}
	m, err := stream.CloseAndRecv()
	if err == nil && int(m.GetCount()) != total {
		return fmt.Errorf("%d bytes arrived of %d", m.GetCount(), total)
	}
	return err
}

func mixedBidi(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	stream, err := echo.Bidi(ctx)
	if err != nil {
		return err
	}
	for range random.IntN(6) {
		sent := payload(random)
		if err := stream.Send(&testpb.Message{Payload: sent}); err != nil {
			return err
		}
		m, err := stream.Recv()
		if err != nil || !bytes.Equal(m.GetPayload(), sent) {
			return fmt.Errorf("%d bytes of %d, %w", len(m.GetPayload()), len(sent), err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return ended(stream.Recv())
}

func mixedFailure(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "do", "fail")
	_, err := echo.Unary(ctx, &testpb.Message{Payload: payload(random)})
	if status.Code(err) != codes.DataLoss || status.Convert(err).Message() != "100 % lost: ünïcode" {
		return fmt.Errorf("not the child's failure: %w", err)
	}
	return nil
}

func mixedDeadline(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "do", "hang"), time.Duration(random.IntN(20))*time.Millisecond)
	defer cancel()
	_, err := echo.Unary(ctx, &testpb.Message{Payload: payload(random)})
	if status.Code(err) != codes.DeadlineExceeded {
		return fmt.Errorf("no deadline: %w", err)
	}
	return nil
}

func mixedCancel(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := echo.Server(ctx, &testpb.Message{Payload: payload(random), Count: 1000})
	if err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Canceled && !errors.Is(err, io.EOF) {
		return fmt.Errorf("not cancelled: %w", err)
	}
	return nil
}

// mixedHalf has the child answer before the host has ended its side.
func mixedHalf(ctx context.Context, random *rand.Rand, echo testpb.EchoClient) error {
	stream, err := echo.Bidi(metadata.AppendToOutgoingContext(ctx, "do", "fail"))
	if err != nil {
		return err
	}
	for err == nil {
		err = stream.Send(&testpb.Message{Payload: payload(random)})
	}
	if _, err = stream.Recv(); status.Code(err) != codes.DataLoss {
		return fmt.Errorf("not the child's failure: %w", err)
	}
	return nil
}
