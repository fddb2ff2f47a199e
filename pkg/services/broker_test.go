package services_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// brokers are both ends of one main connection.
type brokers struct {
	plugin, host *services.Broker
	at           served
	ended        chan error // of the host's Run
}

func connectUnix(ctx context.Context, endpoint transport.Endpoint) (net.Conn, error) {
	return transport.NewUnix(transport.UnixConfig{}).Connect(ctx, endpoint)
}

// secrets makes the configurations of both ends, with mutual TLS or without.
func secrets(t testing.TB, secure bool) (plugin, host services.BrokerConfig) {
	t.Helper()
	plugin = services.BrokerConfig{Listen: listenUnix(t.TempDir()), Connect: connectUnix}
	host = plugin
	if !secure {
		return plugin, host
	}
	theirs, err := pki.NewPair()
	noError(t, err)
	ours, err := pki.NewPair()
	noError(t, err)
	plugin.ServerTLS, plugin.ClientTLS = theirs.ServerTLS(ours.Certificate()), theirs.ClientTLS(ours.Certificate())
	host.ServerTLS, host.ClientTLS = ours.ServerTLS(theirs.Certificate()), ours.ClientTLS(theirs.Certificate())
	return plugin, host
}

// newBrokers connects two brokers.
func newBrokers(t testing.TB, secure bool) *brokers {
	t.Helper()
	plugin, host := secrets(t, secure)
	b := &brokers{plugin: services.NewBroker(plugin), host: services.NewBroker(host), ended: make(chan error, 1)}
	creds := [2]credentials.TransportCredentials{insecure.NewCredentials(), insecure.NewCredentials()}
	if secure {
		creds = [2]credentials.TransportCredentials{credentials.NewTLS(plugin.ServerTLS), credentials.NewTLS(host.ClientTLS)}
	}
	b.at = serve(t, &creds, func(s *grpc.Server) { b.plugin.Register(s) })
	go func() { b.ended <- b.host.Run(t.Context(), b.at.conn) }()
	t.Cleanup(func() {
		b.plugin.Close()
		b.host.Close()
	})
	receive(t, "the plugin's Opened", b.plugin.Opened())
	receive(t, "the host's Opened", b.host.Opened())
	return b
}

func registerEcho(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, echo{}) }

func TestBrokerBothWays(t *testing.T) {
	for _, secure := range []bool{false, true} {
		b := newBrokers(t, secure)
		for _, way := range []struct {
			name             string
			accepter, dialer *services.Broker
		}{
			{"the host dials", b.plugin, b.host},
			{"the plugin dials", b.host, b.plugin},
		} {
			name := way.name
			if secure {
				name += " with mutual TLS"
			}
			t.Run(name, func(t *testing.T) {
				first, second := way.accepter.NextID(), way.accepter.NextID()
				if first != 1 || second != 2 {
					t.Errorf("ids are %d and %d, expected 1 and 2", first, second)
				}
				serving, stop := context.WithCancel(soon(t))
				defer stop()
				ended := make(chan error, 1)
				go func() { ended <- way.accepter.Serve(serving, second, registerEcho) }()
				conn, err := way.dialer.Dial(soon(t), second)
				noError(t, err)
				defer conn.Close()
				message := &testpb.Message{Payload: random(5 << 20)} // beyond gRPC's default limit
				reply, err := testpb.NewEchoClient(conn).Unary(soon(t), message)
				noError(t, err)
				if !bytes.Equal(reply.GetPayload(), message.GetPayload()) {
					t.Error("the answer is not what was sent")
				}
				stop()
				noError(t, receive(t, "the end of Serve", ended))
				if _, err := testpb.NewEchoClient(conn).Unary(soon(t), message); status.Code(err) != codes.Unavailable {
					t.Errorf("a call after the end of Serve: %v, expected Unavailable", err)
				}
			})
		}
	}
}

func TestBrokerManyAtOnce(t *testing.T) {
	b := newBrokers(t, false)
	var working sync.WaitGroup
	for range 20 {
		id := b.plugin.NextID()
		serving, stop := context.WithCancel(soon(t))
		working.Go(func() {
			if err := b.plugin.Serve(serving, id, registerEcho); err != nil {
				t.Errorf("serve %d: %v", id, err)
			}
		})
		working.Go(func() {
			defer stop()
			conn, err := b.host.Dial(soon(t), id)
			if err != nil {
				t.Errorf("dial %d: %v", id, err)
				return
			}
			defer conn.Close()
			if _, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{Count: int32(id)}); err != nil {
				t.Errorf("call %d: %v", id, err)
			}
		})
	}
	working.Wait()
}

func TestBrokeredServiceRefusesStrangers(t *testing.T) {
	pair, err := pki.NewPair()
	noError(t, err)
	peer, err := pki.NewPair()
	noError(t, err)
	stranger, err := pki.NewPair()
	noError(t, err)
	at := make(chan string, 1)
	broker := services.NewBroker(services.BrokerConfig{
		ServerTLS: pair.ServerTLS(peer.Certificate()),
		Listen: func(ctx context.Context) (*transport.Listener, error) {
			listener, err := listenUnix(t.TempDir())(ctx)
			if err == nil {
				at <- listener.Endpoint().Target()
			}
			return listener, err
		},
	})
	main := serve(t, nil, func(s *grpc.Server) { broker.Register(s) })
	host := services.NewBroker(services.BrokerConfig{})
	running := make(chan error, 1)
	go func() { running <- host.Run(t.Context(), main.conn) }()
	serving := make(chan error, 1)
	go func() { serving <- broker.Serve(t.Context(), 1, registerEcho) }()
	target := receive(t, "the address", at)
	for name, test := range map[string]struct {
		creds credentials.TransportCredentials
		want  codes.Code
	}{
		"the peer":              {credentials.NewTLS(peer.ClientTLS(pair.Certificate())), codes.OK},
		"without TLS":           {insecure.NewCredentials(), codes.Unavailable},
		"with another's secret": {credentials.NewTLS(stranger.ClientTLS(pair.Certificate())), codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(test.creds), grpc.WithAuthority("localhost"))
			noError(t, err)
			defer conn.Close()
			if _, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{}); status.Code(err) != test.want {
				t.Errorf("called: %v, expected %s", err, test.want)
			}
		})
	}
	broker.Close() // ends Serve without its context
	noError(t, receive(t, "the end of Serve", serving))
	host.Close()
	noError(t, receive(t, "the end of Run", running))
}

func TestBrokerAcceptsRawConnections(t *testing.T) {
	b := newBrokers(t, false)
	listener, err := b.plugin.Accept(soon(t), 3)
	noError(t, err)
	defer listener.Close()
	if _, err := os.Stat(listener.(*transport.Listener).Endpoint().Address); err != nil {
		t.Errorf("the socket: %v", err)
	}
	conn, err := b.host.Dial(soon(t), 3)
	noError(t, err)
	defer conn.Close()
	raw, err := listener.Accept()
	noError(t, err)
	defer raw.Close()
	preface := make([]byte, 3)
	if _, err := io.ReadFull(raw, preface); err != nil || string(preface) != "PRI" {
		t.Errorf("read %q, %v, expected the start of HTTP/2", preface, err)
	}
}

func TestBrokerDialToNobody(t *testing.T) {
	b := newBrokers(t, false)
	listener, err := b.plugin.Accept(soon(t), 4)
	noError(t, err)
	noError(t, listener.Close())
	_, err = b.host.Dial(soon(t), 4)
	var brokerErr *services.BrokerError
	if !errors.As(err, &brokerErr) || brokerErr.Reason != services.BrokerConnect || brokerErr.ID != 4 {
		t.Fatalf("dialed a closed listener: %v", err)
	}
	var cause *transport.Error
	if !errors.As(err, &cause) || cause.Reason != transport.ReasonNotFound {
		t.Errorf("the cause is %v", cause)
	}
}

func TestBrokerRunEnds(t *testing.T) {
	t.Run("with its context", func(t *testing.T) {
		broker := services.NewBroker(services.BrokerConfig{})
		defer broker.Close()
		at := serve(t, nil, func(s *grpc.Server) { broker.Register(s) })
		host := services.NewBroker(services.BrokerConfig{})
		ctx, cancel := context.WithCancel(soon(t))
		ended := make(chan error, 1)
		go func() { ended <- host.Run(ctx, at.conn) }()
		receive(t, "Opened", broker.Opened())
		cancel()
		if err := receive(t, "the end of Run", ended); status.Code(err) != codes.Canceled {
			t.Errorf("ended with %v, expected Canceled", err)
		}
	})
	t.Run("with the plugin", func(t *testing.T) {
		b := newBrokers(t, false)
		b.at.server.Stop()
		if err := receive(t, "the end of Run", b.ended); status.Code(err) != codes.Unavailable {
			t.Errorf("ended with %v, expected Unavailable", err)
		}
	})
	t.Run("with the plugin's broker", func(t *testing.T) {
		b := newBrokers(t, false)
		b.plugin.Close()
		b.plugin.Close()
		noError(t, receive(t, "the end of Run", b.ended))
	})
	t.Run("without the service", func(t *testing.T) {
		at := serve(t, nil, func(*grpc.Server) {})
		if err := services.NewBroker(services.BrokerConfig{}).Run(soon(t), at.conn); status.Code(err) != codes.Unimplemented {
			t.Errorf("ended with %v, expected Unimplemented", err)
		}
	})
}

func BenchmarkBrokerDial(b *testing.B) {
	both := newBrokers(b, false)
	for b.Loop() {
		id := both.plugin.NextID()
		listener, err := both.plugin.Accept(b.Context(), id)
		noError(b, err)
		conn, err := both.host.Dial(b.Context(), id)
		noError(b, err)
		_ = conn.Close()
		_ = listener.Close()
	}
}
