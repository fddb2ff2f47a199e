package h2switch

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// patience is for what must happen but may take a while on a busy machine.
const patience = 20 * time.Second

// largest is a limit for messages that none reaches.
const largest = 1 << 30

// plain hides that a connection is a socket, as TLS does: each write may block.
type plain struct{ net.Conn }

func isLocal(path string) bool { return strings.HasPrefix(path, "/grpc.health") }

// echo answers what it is sent. "do" in the metadata asks for more.
type echo struct {
	testpb.UnimplementedEchoServer
}

func (echo) begin(ctx context.Context, setHeader, setTrailer func(metadata.MD) error) error {
	incoming, _ := metadata.FromIncomingContext(ctx)
	back := metadata.MD{}
	for key, values := range incoming {
		if strings.HasPrefix(key, "x-") {
			back[key] = values
		}
	}
	_ = setHeader(back)
	_ = setTrailer(metadata.Join(back, metadata.Pairs("x-end", "trailer")))
	switch strings.Join(incoming.Get("do"), "") {
	case "fail":
		return status.Error(codes.DataLoss, "100 % lost: ünïcode")
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (e echo) Unary(ctx context.Context, m *testpb.Message) (*testpb.Message, error) {
	err := e.begin(ctx, func(md metadata.MD) error { return grpc.SetHeader(ctx, md) },
		func(md metadata.MD) error { return grpc.SetTrailer(ctx, md) })
	return m, err
}

// Server sends a message as often as it says.
func (e echo) Server(m *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	if err := e.beginStream(stream); err != nil {
		return err
	}
	for range m.GetCount() {
		if err := stream.Send(&testpb.Message{Payload: m.GetPayload()}); err != nil {
			return err
		}
	}
	return nil
}

// Client counts bytes.
func (e echo) Client(stream grpc.ClientStreamingServer[testpb.Message, testpb.Message]) error {
	if err := e.beginStream(stream); err != nil {
		return err
	}
	total := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&testpb.Message{Count: int32(total)})
		}
		if err != nil {
			return err
		}
		total += len(m.GetPayload())
	}
}

func (e echo) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	if err := e.beginStream(stream); err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func (e echo) beginStream(stream grpc.ServerStream) error {
	return e.begin(stream.Context(), stream.SetHeader, func(md metadata.MD) error { stream.SetTrailer(md); return nil })
}

// server is a child, or a local server.
func server(opts ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append([]grpc.ServerOption{grpc.MaxRecvMsgSize(largest), grpc.MaxSendMsgSize(largest)}, opts...)...)
	testpb.RegisterEchoServer(s, echo{})
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	return s
}

// shortTemp is a directory with a name that fits into a socket's.
func shortTemp(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "h2s")
	noError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listen(t testing.TB, path string) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	noError(t, err)
	return listener
}

// rig is a switch between a host's listener and two servers.
type rig struct {
	t        testing.TB
	cfg      Config
	local    *grpc.Server
	childAt  string
	hostAt   string
	cancel   context.CancelFunc
	serving  sync.WaitGroup
	returned chan error
}

// newRig starts a switch and a local server; a child is to listen at childAt.
func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	return newRigOf(t, func(conn net.Conn) net.Conn { return conn }, change...)
}

// newRigOf wraps the connections to host and child.
func newRigOf(t testing.TB, wrap func(net.Conn) net.Conn, change ...func(*Config)) *rig {
	t.Helper()
	dir := shortTemp(t)
	r := &rig{t: t, childAt: filepath.Join(dir, "c"), hostAt: filepath.Join(dir, "h"), returned: make(chan error, 100)}
	r.local = server()
	memory := bufconn.Listen(256 << 10)
	r.serving.Go(func() { _ = r.local.Serve(memory) })
	r.cfg = Config{
		Local: memory.DialContext,
		Child: func(ctx context.Context) (net.Conn, error) {
			conn, err := knock(ctx, r.childAt) // until the child accepts
			if err != nil {
				return nil, err
			}
			return wrap(conn), nil
		},
		IsLocal: isLocal,
	}
	for _, c := range change {
		c(&r.cfg)
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	listener := listen(t, r.hostAt)
	r.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() { r.returned <- Serve(ctx, wrap(conn), r.cfg) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.cancel()
		r.local.Stop()
		_ = memory.Close()
		r.serving.Wait()
	})
	return r
}

func knock(ctx context.Context, at string) (net.Conn, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", at)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// child serves at childAt until the test ends, or the caller stops it.
func (r *rig) child(opts ...grpc.ServerOption) *grpc.Server {
	r.t.Helper()
	s := server(opts...)
	listener := listen(r.t, r.childAt)
	r.serving.Go(func() { _ = s.Serve(listener) })
	r.t.Cleanup(s.Stop)
	return s
}

// dial is a host.
func (r *rig) dial(opts ...grpc.DialOption) *grpc.ClientConn { return dial(r.t, r.hostAt, opts...) }

func dial(t testing.TB, at string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+at, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largest), grpc.MaxCallSendMsgSize(largest)),
	}, opts...)...)
	noError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// raw is a host that speaks HTTP/2 by itself.
func (r *rig) raw() net.Conn {
	r.t.Helper()
	conn, err := new(net.Dialer).DialContext(r.t.Context(), "unix", r.hostAt)
	noError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	noError(r.t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// served waits for the end of a Serve.
func (r *rig) served() error {
	r.t.Helper()
	select {
	case err := <-r.returned:
		return err
	case <-time.After(patience):
		r.t.Fatal("Serve does not return")
		return nil
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails unless err is a gRPC status with the code and the text.
func wantCode(t testing.TB, err error, code codes.Code, text string) {
	t.Helper()
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), text) {
		t.Fatalf("got %v, expected %v with %q", err, code, text)
	}
}

// within is a context that ends the test's calls when they hang.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
