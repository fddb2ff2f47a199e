package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// carry is a Carry of a Config.
type carry = func(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error))

// eachWay runs a test with the gRPC server on the connections of the host, and
// behind a Carry.
func eachWay(t *testing.T, test func(*testing.T, carry)) {
	t.Helper()
	t.Run("directly", func(t *testing.T) { test(t, nil) })
	t.Run("carried", func(t *testing.T) { test(t, splice) })
}

// splice is a Carry that passes bytes on.
func splice(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error)) {
	defer host.Close()
	inner, err := local(ctx)
	if err != nil {
		return
	}
	defer inner.Close()
	hangUp := func() {
		_ = host.Close()
		_ = inner.Close()
	}
	defer context.AfterFunc(ctx, hangUp)()
	var in sync.WaitGroup
	in.Go(func() {
		_, _ = io.Copy(inner, host)
		hangUp()
	})
	_, _ = io.Copy(host, inner)
	hangUp()
	in.Wait()
}

func TestOurHost(t *testing.T) {
	for name, test := range map[string]struct {
		plugin    part
		tls       client.TLS
		multiplex bool
	}{
		"in the clear":          {tls: client.TLSOff},
		"with AutoMTLS":         {},
		"tcp":                   {plugin: part{Network: "tcp"}},
		"multiplexed":           {multiplex: true, tls: client.TLSOff},
		"multiplexed, AutoMTLS": {multiplex: true},
	} {
		for way, carried := range map[string]bool{"directly": false, "carried": true} {
			test := test
			test.plugin.Carried = carried
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				var stdout, stderr shared
				c, err := client.Start(soon(t), client.Config{
					Command: []string{self(t)}, Env: role("plugin", test.plugin), Cookie: kv.Cookie(),
					TLS: test.tls, Multiplex: test.multiplex, Stdout: &stdout, Stderr: &stderr,
				})
				noError(t, err)
				defer c.Close(t.Context())
				echo := testpb.NewEchoClient(c.Conn())
				_, err = echo.Unary(soon(t), &testpb.Message{Payload: []byte("print")})
				noError(t, err)
				served, err := echo.Unary(soon(t), &testpb.Message{Payload: []byte("serve")})
				noError(t, err)
				brokered, err := c.Broker().Dial(soon(t), uint32(served.GetCount()))
				noError(t, err)
				defer brokered.Close()
				_, err = testpb.NewEchoClient(brokered).Unary(soon(t), &testpb.Message{})
				noError(t, err)
				noError(t, c.Close(soon(t)))
				if stdout.String() != "out\n" || stderr.String() != "err\n" {
					t.Errorf("stdio brought %q and %q", stdout.String(), stderr.String())
				}
			})
		}
	}
}

// carrier is a Carry that says what happens to it.
type carrier struct {
	carried chan struct{} // a connection has come
	cut     chan struct{} // and its context has ended
}

func (c carrier) carry(ctx context.Context, host net.Conn, _ func(context.Context) (net.Conn, error)) {
	defer host.Close()
	c.carried <- struct{}{}
	<-ctx.Done()
	close(c.cut)
}

// What Carry does is waited for as calls are, without one of them running.
func TestRunWaitsForCarry(t *testing.T) {
	const grace = 100 * time.Millisecond
	for name, test := range map[string]struct {
		grace time.Duration
		stop  func(*running)
	}{
		"for the grace": {grace, func(r *running) { r.Stop() }},
		"Kill":          {time.Hour, func(r *running) { r.Kill() }},
		"Stop and Kill": {time.Hour, func(r *running) { r.Stop(); r.Kill() }},
		"Close":         {time.Hour, func(r *running) { r.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			c := carrier{carried: make(chan struct{}, 1), cut: make(chan struct{})}
			r := run(t, server.Config{Carry: c.carry, Grace: test.grace})
			conn, err := net.Dial(r.line.Network, r.line.Address)
			noError(t, err)
			defer conn.Close()
			receive(t, "the connection", c.carried)
			began := time.Now()
			test.stop(r)
			noError(t, receive(t, "the end of Run", r.ended))
			if took := time.Since(began); test.grace == grace && took < grace {
				t.Errorf("cut after %s, expected the grace of %s", took, grace)
			}
			select {
			case <-c.cut:
			default:
				t.Error("Run ended before Carry")
			}
		})
	}
}

// A line that cannot be written ends Run, also when somebody has found the
// plugin already and says nothing.
func TestLineFailsWhileCarried(t *testing.T) {
	c := carrier{carried: make(chan struct{}, 1), cut: make(chan struct{})}
	var s *server.Server
	s, err := server.New(t.Context(), server.Config{
		Carry:     c.carry,
		LookupEnv: environment{}.lookup,
		Stdout: writer(func([]byte) (int, error) {
			conn, err := net.Dial(s.Line().Network, s.Line().Address)
			noError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			receive(t, "the connection", c.carried)
			return 0, io.ErrClosedPipe
		}),
	})
	noError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background()) }()
	if err := receive(t, "the end of Run", ended); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Run: %v", err)
	}
	receive(t, "the end of Carry", c.cut)
}

type writer func([]byte) (int, error)

func (w writer) Write(data []byte) (int, error) { return w(data) }

// A silent connection to the server is cut, too, and keeps nobody waiting.
func TestLocalFailsAfterTheEnd(t *testing.T) {
	locals := make(chan func(context.Context) (net.Conn, error), 1)
	r := run(t, server.Config{Carry: func(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error)) {
		defer host.Close()
		locals <- local
		<-ctx.Done()
	}})
	conn, err := net.Dial(r.line.Network, r.line.Address)
	noError(t, err)
	defer conn.Close()
	local := receive(t, "the connection", locals)
	inner, err := local(soon(t))
	noError(t, err)
	r.Kill()
	noError(t, receive(t, "the end of Run", r.ended))
	noError(t, inner.Close())
	if _, err := local(soon(t)); err == nil {
		t.Error("a connection to a server that has stopped")
	}
}

// One host's failure to greet is no other's concern, and its probe no news.
func TestHostsThatDoNotGreet(t *testing.T) {
	host, err := pki.NewPair()
	noError(t, err)
	stranger, err := pki.NewPair()
	noError(t, err)
	logged := new(shared)
	carried := make(chan struct{}, 10)
	r := run(t, server.Config{
		Carry: func(_ context.Context, conn net.Conn, _ func(context.Context) (net.Conn, error)) {
			_ = conn.Close()
			carried <- struct{}{}
		},
		LookupEnv: environment{handshake.EnvClientCert: host.PEM(), handshake.EnvUnixSocketDir: t.TempDir()}.lookup,
		Logger:    slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	plugin, err := pki.ParseDER(r.line.Certificate)
	noError(t, err)
	dial := func() net.Conn {
		conn, err := net.Dial(r.line.Network, r.line.Address)
		noError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	dial()                     // stays open and silent
	noError(t, dial().Close()) // a probe
	greet := func(config *tls.Config) error {
		secure := tls.Client(dial(), config)
		if err := secure.HandshakeContext(soon(t)); err != nil {
			return err
		}
		_, err := secure.Read(make([]byte, 1))
		return err
	}
	if err := greet(stranger.ClientTLS(plugin)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a stranger: %v, expected a refusal", err)
	}
	silent := host.ClientTLS(plugin)
	silent.NextProtos = nil
	if err := greet(silent); err == nil {
		t.Error("a host without ALPN was served")
	}
	if _, err := dial().Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		t.Error(err)
	}
	if err := greet(host.ClientTLS(plugin)); !errors.Is(err, io.EOF) {
		t.Errorf("the host: %v, expected what Carry does", err)
	}
	receive(t, "the host", carried)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); strings.Count(logged.String(), "handshake failed") < 3; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("logged %s", logged.String())
		}
	}
	r.Stop()
	noError(t, receive(t, "the end of Run", r.ended))
	for _, want := range []string{"is not the announced one", "protocol \\\"\\\"", "peer does not speak TLS"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if n := bytes.Count([]byte(logged.String()), []byte("EOF")); n > 0 || len(carried) > 0 {
		t.Errorf("a probe was told of %d times, and %d more carried; logged\n%s", n, len(carried), logged.String())
	}
}
