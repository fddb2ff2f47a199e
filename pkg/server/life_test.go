package server_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// held starts a call that runs until it is released, and returns its end.
func held(t *testing.T, e *echo, conn *grpc.ClientConn) chan error {
	t.Helper()
	ended := make(chan error, 1)
	ctx := soon(t)
	go func() {
		_, err := testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("hold")})
		ended <- err
	}()
	receive(t, "the call's arrival", e.entered)
	return ended
}

func TestStopLetsCallsFinish(t *testing.T) { eachWay(t, testStopLetsCallsFinish) }

func testStopLetsCallsFinish(t *testing.T, carry carry) {
	e := newEcho()
	r := run(t, server.Config{Carry: carry, Register: e.register, Grace: time.Hour})
	conn := r.dial(t)
	call := held(t, e, conn)
	select {
	case <-r.Stopping():
		t.Fatal("stopping before it was asked for")
	default:
	}
	r.Stop()
	r.Stop()
	receive(t, "Stopping", r.Stopping())
	disappears(t, r.line.Address) // nobody can come any more
	if err := services.Ping(soon(t), r.dial(t)); status.Code(err) != codes.Unavailable {
		t.Errorf("a new host after Stop: %v, expected Unavailable", err)
	}
	select {
	case err := <-r.ended:
		t.Fatalf("ended with %v, while a call was running", err)
	default:
	}
	close(e.release)
	noError(t, receive(t, "the call's end", call))
	noError(t, receive(t, "the end of Run", r.ended))
	gone(t, filepath.Dir(r.line.Address))
	if dir := r.Leftover(); dir != filepath.Dir(r.line.Address) {
		t.Errorf("Leftover is %q", dir)
	}
}

func TestStopCutsCallsAfterTheGrace(t *testing.T) { eachWay(t, testStopCutsCallsAfterTheGrace) }

func testStopCutsCallsAfterTheGrace(t *testing.T, carry carry) {
	const grace = 150 * time.Millisecond
	e := newEcho()
	r := run(t, server.Config{Carry: carry, Register: e.register, Grace: grace})
	call := held(t, e, r.dial(t))
	began := time.Now()
	r.Stop()
	if err := receive(t, "the call's end", call); status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the call ended with %v", err)
	}
	if took := time.Since(began); took < grace {
		t.Errorf("cut after %s, expected the grace of %s", took, grace)
	}
	noError(t, receive(t, "the end of Run", r.ended))
}

func TestKillCutsCallsAtOnce(t *testing.T) { eachWay(t, testKillCutsCallsAtOnce) }

func testKillCutsCallsAtOnce(t *testing.T, carry carry) {
	for name, kill := range map[string]func(*running){
		"at once":           func(r *running) { r.Kill() },
		"during the grace":  func(r *running) { r.Stop(); r.Kill(); r.Kill() },
		"by closing it all": func(r *running) { r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho()
			r := run(t, server.Config{Carry: carry, Register: e.register, Grace: time.Hour})
			call := held(t, e, r.dial(t))
			kill(r)
			if err := receive(t, "the call's end", call); err == nil {
				t.Error("the call succeeded")
			}
			noError(t, receive(t, "the end of Run", r.ended))
			gone(t, filepath.Dir(r.line.Address))
		})
	}
}

// A call that ignores its context cannot be ended. It is left behind.
func TestCallsThatInsistAreLeftBehind(t *testing.T) { eachWay(t, testCallsThatInsistAreLeftBehind) }

func testCallsThatInsistAreLeftBehind(t *testing.T, carry carry) {
	for name, stop := range map[string]func(*running){
		"Stop": func(r *running) { r.Stop() }, "Kill": func(r *running) { r.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho()
			defer close(e.release)
			r := run(t, server.Config{Carry: carry, Register: e.register, Grace: 50 * time.Millisecond})
			conn := r.dial(t)
			ended := make(chan error, 1)
			ctx := soon(t)
			go func() {
				_, err := testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("insist")})
				ended <- err
			}()
			receive(t, "the call's arrival", e.entered)
			stop(r)
			noError(t, receive(t, "the end of Run", r.ended))
			gone(t, filepath.Dir(r.line.Address))
			if err := receive(t, "the call's end", ended); status.Code(err) != codes.Unavailable {
				t.Errorf("the call ended with %v, expected Unavailable", err)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) { eachWay(t, testRunEndsWithItsContext) }

func testRunEndsWithItsContext(t *testing.T, carry carry) {
	dir := t.TempDir()
	stdout := make(lines, 1)
	s, err := server.New(t.Context(), server.Config{
		Carry: carry, Stdout: stdout, LookupEnv: environment{handshake.EnvUnixSocketDir: dir}.lookup,
	})
	noError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	receive(t, "the line", stdout)
	cancel()
	noError(t, receive(t, "the end of Run", ended))
	receive(t, "Stopping", s.Stopping())
	empty(t, dir)
}

func TestShutdownIsAnsweredAtOnce(t *testing.T) { eachWay(t, testShutdownIsAnsweredAtOnce) }

func testShutdownIsAnsweredAtOnce(t *testing.T, carry carry) {
	e := newEcho()
	r := run(t, server.Config{Carry: carry, Register: e.register, Grace: time.Hour})
	conn := r.dial(t)
	held(t, e, conn)
	noError(t, services.Shutdown(soon(t), conn))
	receive(t, "Stopping", r.Stopping())
	close(e.release)
	noError(t, receive(t, "the end of Run", r.ended))
}

// What a host keeps open all the time must not count as running calls.
func TestStopDoesNotWaitForTheHostsStreams(t *testing.T) {
	eachWay(t, testStopDoesNotWaitForTheHostsStreams)
}

func testStopDoesNotWaitForTheHostsStreams(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, Grace: time.Hour})
	conn := r.dial(t)
	host := services.NewBroker(services.BrokerConfig{})
	var streams sync.WaitGroup
	streams.Go(func() { _ = host.Run(t.Context(), conn) })
	streams.Go(func() { _ = services.CopyStdio(t.Context(), conn, nil, nil) })
	defer streams.Wait()
	receive(t, "stdio", r.Stdio().Opened())
	receive(t, "broker", r.Broker().Opened())
	watching, err := healthpb.NewHealthClient(conn).Watch(soon(t), &healthpb.HealthCheckRequest{Service: "plugin"})
	noError(t, err)
	if _, err := watching.Recv(); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	noError(t, receive(t, "the end of Run", r.ended))
}

func TestSocketIsRemovedOnceTheHostIsThere(t *testing.T) {
	eachWay(t, testSocketIsRemovedOnceTheHostIsThere)
}

func testSocketIsRemovedOnceTheHostIsThere(t *testing.T, carry carry) {
	for name, open := range map[string]func(context.Context, *grpc.ClientConn){
		"by stdio": func(ctx context.Context, conn *grpc.ClientConn) { _ = services.CopyStdio(ctx, conn, nil, nil) },
		"by broker": func(ctx context.Context, conn *grpc.ClientConn) {
			_ = services.NewBroker(services.BrokerConfig{}).Run(ctx, conn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, server.Config{Carry: carry, Register: newEcho().register})
			conn := r.dial(t)
			noError(t, services.Ping(soon(t), conn))
			if _, err := os.Stat(r.line.Address); err != nil {
				t.Fatalf("the socket went with a mere ping: %v", err)
			}
			ctx, cancel := context.WithCancel(soon(t))
			var streams sync.WaitGroup
			streams.Go(func() { open(ctx, conn) })
			defer streams.Wait()
			defer cancel()
			disappears(t, r.line.Address)
			if _, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{}); err != nil {
				t.Errorf("the connection does not outlive its socket: %v", err)
			}
		})
	}
}

func TestSocketIsKept(t *testing.T) { eachWay(t, testSocketIsKept) }

func testSocketIsKept(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, KeepSocket: true})
	conn := r.dial(t)
	ctx, cancel := context.WithCancel(soon(t))
	var streams sync.WaitGroup
	streams.Go(func() { _ = services.CopyStdio(ctx, conn, nil, nil) })
	receive(t, "stdio", r.Stdio().Opened())
	cancel()
	streams.Wait()
	// A second host comes the same way.
	noError(t, services.Ping(soon(t), r.dial(t)))
	r.Stop()
	noError(t, receive(t, "the end of Run", r.ended))
	gone(t, r.Leftover())
}

func TestCloseWithoutRun(t *testing.T) { eachWay(t, testCloseWithoutRun) }

func testCloseWithoutRun(t *testing.T, carry carry) {
	dir := t.TempDir()
	s, err := server.New(t.Context(), server.Config{Carry: carry, LookupEnv: environment{handshake.EnvUnixSocketDir: dir}.lookup})
	noError(t, err)
	if _, err := os.Stat(s.Line().Address); err != nil {
		t.Errorf("New does not listen: %v", err)
	}
	s.Close()
	s.Close()
	empty(t, dir)
}

// broken is a stdout that cannot be written.
type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestLineCannotBeWritten(t *testing.T) { eachWay(t, testLineCannotBeWritten) }

func testLineCannotBeWritten(t *testing.T, carry carry) {
	dir := t.TempDir()
	err := server.Serve(t.Context(), server.Config{
		Carry: carry, Stdout: broken{}, LookupEnv: environment{handshake.EnvUnixSocketDir: dir}.lookup,
	})
	wantReason(t, err, server.ReasonLine)
	if !errors.Is(err, errBroken) {
		t.Errorf("%v does not wrap its cause", err)
	}
	empty(t, dir)
}

func TestUnknownServicesAreHandedOn(t *testing.T) { eachWay(t, testUnknownServicesAreHandedOn) }

func testUnknownServicesAreHandedOn(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, Unknown: func(_ any, stream grpc.ServerStream) error {
		message := new(testpb.Message)
		if err := stream.RecvMsg(message); err != nil {
			return err
		}
		message.Payload = append(message.Payload, " came through"...)
		return stream.SendMsg(message)
	}})
	reply, err := testpb.NewEchoClient(r.dial(t)).Unary(soon(t), &testpb.Message{Payload: []byte("it")})
	if err != nil || string(reply.GetPayload()) != "it came through" {
		t.Errorf("got %q, %v", reply.GetPayload(), err)
	}
}

func TestBigMessages(t *testing.T) { eachWay(t, testBigMessages) }

func testBigMessages(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, Register: newEcho().register})
	unlimited := grpc.MaxCallRecvMsgSize(64 << 20)
	reply, err := testpb.NewEchoClient(r.dial(t)).Unary(soon(t), &testpb.Message{Payload: make([]byte, 32<<20)}, unlimited)
	if err != nil || len(reply.GetPayload()) != 32<<20 {
		t.Errorf("got %d bytes, %v", len(reply.GetPayload()), err)
	}
}

// A host that attaches probes first.
func TestProbesDoNoHarm(t *testing.T) { eachWay(t, testProbesDoNoHarm) }

func testProbesDoNoHarm(t *testing.T, carry carry) {
	r := run(t, server.Config{Carry: carry, KeepSocket: true})
	for range 3 {
		probe, err := net.Dial(r.line.Network, r.line.Address)
		noError(t, err)
		noError(t, probe.Close())
	}
	noError(t, services.Ping(soon(t), r.dial(t)))
}

// wantReason checks the reason of an error.
func wantReason(t *testing.T, err error, want server.Reason) {
	t.Helper()
	var got *server.Error
	if !errors.As(err, &got) || got.Reason != want {
		t.Fatalf("error %v, expected reason %q", err, want)
	}
	if got.Error() == "" {
		t.Error("an error without words")
	}
}

// Nobody is to dial a server that was stopped before it ran.
func TestRunAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(*server.Server){"Stop": (*server.Server).Stop, "Close": (*server.Server).Close} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			s, err := server.New(t.Context(), server.Config{Stdout: &stdout, LookupEnv: func(string) (string, bool) { return "", false }})
			noError(t, err)
			end(s)
			noError(t, s.Run(t.Context()))
			if stdout.Len() > 0 {
				t.Errorf("it printed %q", &stdout)
			}
			gone(t, s.Leftover())
		})
	}
}
