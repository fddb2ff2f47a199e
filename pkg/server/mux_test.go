package server_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// forMux is the environment of a host that asks for multiplexing.
func forMux(dir string) func(string) (string, bool) {
	return environment{handshake.EnvUnixSocketDir: dir, handshake.EnvMultiplexGRPC: "true"}.lookup
}

func endpoint(r *running) transport.Endpoint {
	return transport.Endpoint{Network: r.line.Network, Address: r.line.Address}
}

// muxHost is the one connection of a multiplexing host, and gRPC over it.
func muxHost(t *testing.T, r *running) (*transport.Mux, *grpc.ClientConn) {
	t.Helper()
	raw, err := transport.Connect(soon(t), endpoint(r))
	noError(t, err)
	mux, err := transport.HostMux(raw)
	noError(t, err)
	conn, err := grpc.NewClient("passthrough:///localhost", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return mux.Open(ctx) }))
	noError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = mux.Close()
	})
	noError(t, services.Ping(soon(t), conn))
	return mux, conn
}

// muxes are the networks of a multiplexing plugin.
func muxes() []string { return []string{handshake.NetworkUnix, handshake.NetworkTCP} }

func TestMuxNoHostComes(t *testing.T) { eachWay(t, testMuxNoHostComes) }

func testMuxNoHostComes(t *testing.T, carry carry) {
	for _, network := range muxes() {
		t.Run(network, func(t *testing.T) {
			dir := t.TempDir()
			s, err := server.New(t.Context(), server.Config{Carry: carry, Network: network, Stdout: make(lines, 1), LookupEnv: forMux(dir), IgnoreHost: true})
			noError(t, err)
			server.SetMuxWait(s, 20*time.Millisecond)
			err = s.Run(soon(t))
			var failed *server.Error
			if !errors.As(err, &failed) || failed.Reason != server.ReasonServe {
				t.Fatalf("ended with %v, expected reason %q", err, server.ReasonServe)
			}
			var cause *transport.Error
			if !errors.As(err, &cause) || cause.Reason != transport.ReasonTimeout || cause.Expected != "a host within 20ms" {
				t.Errorf("the cause is %v, expected reason %q", cause, transport.ReasonTimeout)
			}
			receive(t, "Stopping", s.Stopping())
			empty(t, dir)
		})
	}
}

func TestMuxHostIsLost(t *testing.T) { eachWay(t, testMuxHostIsLost) }

func testMuxHostIsLost(t *testing.T, carry carry) {
	for _, network := range muxes() {
		t.Run(network, func(t *testing.T) {
			dir := t.TempDir()
			e := newEcho()
			r := run(t, server.Config{Carry: carry, Network: network, Register: e.register, LookupEnv: forMux(dir), IgnoreHost: true, Grace: time.Hour})
			mux, conn := muxHost(t, r)
			call := held(t, e, conn)
			noError(t, mux.Close())
			noError(t, receive(t, "the end of Run", r.ended))
			if err := receive(t, "the call's end", call); err == nil {
				t.Error("the call succeeded without its connection")
			}
			empty(t, dir)
		})
	}
}

func TestMuxStopBeforeAnyHost(t *testing.T) { eachWay(t, testMuxStopBeforeAnyHost) }

func testMuxStopBeforeAnyHost(t *testing.T, carry carry) {
	for name, stop := range map[string]func(s *server.Server, cancel func()){
		"Stop":        func(s *server.Server, _ func()) { s.Stop() },
		"Kill":        func(s *server.Server, _ func()) { s.Kill() },
		"Close":       func(s *server.Server, _ func()) { s.Close() },
		"its context": func(_ *server.Server, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			dir := t.TempDir()
			stdout := make(lines, 1)
			s, err := server.New(t.Context(), server.Config{Carry: carry, Stdout: stdout, LookupEnv: forMux(dir), Grace: time.Hour})
			noError(t, err)
			server.SetMuxWait(s, time.Hour)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			accepted := make(chan error, 1)
			go func() {
				_, err := s.Broker().Accept(ctx, 1) // waits for the host
				accepted <- err
			}()
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			receive(t, "the handshake line", stdout)
			stop(s, cancel)
			noError(t, receive(t, "the end of Run", ended))
			var failed *services.BrokerError
			if err := receive(t, "the end of Accept", accepted); !errors.As(err, &failed) {
				t.Errorf("Accept: %v", err)
			}
			empty(t, dir)
			goleak.VerifyNone(t, before)
		})
	}
}

// The plugin accepts one connection in its life.
func TestMuxSecondConnectionIsRefused(t *testing.T) { eachWay(t, testMuxSecondConnectionIsRefused) }

func testMuxSecondConnectionIsRefused(t *testing.T, carry carry) {
	for _, network := range muxes() {
		t.Run(network, func(t *testing.T) {
			r := run(t, server.Config{Carry: carry, Network: network, LookupEnv: forMux(t.TempDir())})
			_, conn := muxHost(t, r)
			_, err := transport.Connect(soon(t), endpoint(r))
			var refused *transport.Error
			if !errors.As(err, &refused) || (refused.Reason != transport.ReasonNotFound && refused.Reason != transport.ReasonRefused) {
				t.Errorf("a second connection: %v, expected it to be refused", err)
			}
			if network == handshake.NetworkUnix {
				gone(t, filepath.Dir(r.line.Address))
			}
			noError(t, services.Ping(soon(t), conn)) // the first one goes on
		})
	}
}

// Without Run nobody waits for a host, and nobody waits for ever.
func TestMuxCloseWithoutRun(t *testing.T) { eachWay(t, testMuxCloseWithoutRun) }

func testMuxCloseWithoutRun(t *testing.T, carry carry) {
	dir := t.TempDir()
	s, err := server.New(t.Context(), server.Config{Carry: carry, Stdout: make(lines, 1), LookupEnv: forMux(dir)})
	noError(t, err)
	dialed := make(chan error, 1)
	go func() {
		_, err := s.Broker().Dial(soon(t), 1)
		dialed <- err
	}()
	s.Close()
	var failed *services.BrokerError
	if err := receive(t, "the end of Dial", dialed); !errors.As(err, &failed) || failed.Reason != services.BrokerClosed {
		t.Errorf("Dial: %v, expected reason %q", err, services.BrokerClosed)
	}
	empty(t, dir)
}
