package services_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// sessions makes both sides of a multiplexed connection.
func sessions(t testing.TB) (plugin, host *transport.Mux) {
	t.Helper()
	near, far := net.Pipe()
	host, err := transport.HostMux(near)
	noError(t, err)
	plugin, err = transport.PluginMux(far)
	noError(t, err)
	t.Cleanup(func() { _, _ = host.Close(), plugin.Close() })
	return plugin, host
}

func over(mux *transport.Mux) func(context.Context) (*transport.Mux, error) {
	return func(context.Context) (*transport.Mux, error) { return mux, nil }
}

// muxed are both brokers of one multiplexed connection, and its sessions.
type muxed struct {
	plugin, host       *services.Broker
	pluginMux, hostMux *transport.Mux
	serverCreds        credentials.TransportCredentials // the plugin's
}

// newMuxed connects two brokers as host and plugin do. The waits are how long
// each holds knocks; zero is the default.
func newMuxed(t testing.TB, secure bool, pluginWait, hostWait time.Duration) *muxed {
	t.Helper()
	m := new(muxed)
	plugin, host := secrets(t, secure)
	m.pluginMux, m.hostMux = sessions(t)
	plugin.Mux, host.Mux = over(m.pluginMux), over(m.hostMux)
	m.plugin, m.host = services.NewBroker(plugin), services.NewBroker(host)
	for broker, wait := range map[*services.Broker]time.Duration{m.plugin: pluginWait, m.host: hostWait} {
		if wait != 0 {
			services.SetKnockWait(broker, wait)
		}
	}
	ours, theirs := insecure.NewCredentials(), insecure.NewCredentials()
	if secure {
		ours, theirs = credentials.NewTLS(plugin.ServerTLS), credentials.NewTLS(host.ClientTLS)
	}
	m.serverCreds = ours
	server := grpc.NewServer(grpc.Creds(ours))
	m.plugin.Register(server)
	conn, err := grpc.NewClient("passthrough:///localhost", grpc.WithTransportCredentials(theirs),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return m.hostMux.Open(ctx) }))
	noError(t, err)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(m.pluginMux.Main()) })
	running.Go(func() { _ = m.host.Run(t.Context(), conn) })
	t.Cleanup(func() {
		m.host.Close()
		m.plugin.Close()
		_ = conn.Close()
		server.Stop()
		running.Wait()
	})
	receive(t, "the plugin's Opened", m.plugin.Opened())
	receive(t, "the host's Opened", m.host.Opened())
	return m
}

// named says which service was reached.
type named struct {
	testpb.UnimplementedEchoServer

	id uint32
}

func (n named) Unary(context.Context, *testpb.Message) (*testpb.Message, error) {
	return &testpb.Message{Count: int32(n.id)}, nil
}

func (n named) register(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, n) }

// reaches checks that a connection leads to the service that was dialed.
func reaches(t testing.TB, conn *grpc.ClientConn, id uint32) {
	t.Helper()
	reply, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{}, grpc.WaitForReady(true))
	if err != nil || reply.GetCount() != int32(id) {
		t.Errorf("a call of service %d: %v from %d", id, err, reply.GetCount())
	}
}

// sees waits for a message of a broker and checks it.
func (p *peer) sees(t testing.TB, id uint32, ack bool) *pluginpb.ConnInfo_Knock {
	t.Helper()
	info := receive(t, "a message of the broker", p.hears)
	if info.GetServiceId() != id || !info.GetKnock().GetKnock() || info.GetKnock().GetAck() != ack {
		t.Fatalf("the broker said %v, expected a knock for %d, ack %t", info, id, ack)
	}
	return info.GetKnock()
}

func knocks(id uint32) *pluginpb.ConnInfo {
	return &pluginpb.ConnInfo{ServiceId: id, Knock: &pluginpb.ConnInfo_Knock{Knock: true}}
}

func acks(id uint32, refusal string) *pluginpb.ConnInfo {
	return &pluginpb.ConnInfo{ServiceId: id, Knock: &pluginpb.ConnInfo_Knock{Knock: true, Ack: true, Error: refusal}}
}

// alone makes a broker on the host's side of a session. The test plays the
// other side, message by message, with far as its session.
func alone(t testing.TB, wait time.Duration) (broker *services.Broker, far *transport.Mux, p *peer) {
	t.Helper()
	far, near := sessions(t)
	broker = services.NewBroker(services.BrokerConfig{Mux: over(near)})
	services.SetKnockWait(broker, wait)
	p = &peer{says: make(chan *pluginpb.ConnInfo), hears: make(chan *pluginpb.ConnInfo, 6000), ended: make(chan error, 1)}
	p.ctx, p.leave = context.WithCancel(t.Context())
	go func() {
		defer p.leave()
		p.ended <- broker.StartStream(p)
	}()
	t.Cleanup(func() {
		broker.Close()
		receive(t, "the end of the stream", p.ended)
	})
	receive(t, "Opened", broker.Opened())
	return broker, far, p
}

type dialed struct {
	conn *grpc.ClientConn
	err  error
}

func dialing(ctx context.Context, broker *services.Broker, id uint32) <-chan dialed {
	result := make(chan dialed, 1)
	go func() {
		conn, err := broker.Dial(ctx, id)
		result <- dialed{conn, err}
	}()
	return result
}

// arrives takes the next stream of a listener and says what it begins with: ""
// is an empty one, "PRI" is gRPC.
func arrives(t testing.TB, listener net.Listener) string {
	t.Helper()
	type arrival struct {
		text string
		err  error
	}
	came := make(chan arrival, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			came <- arrival{err: err}
			return
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		text := make([]byte, 3)
		n, err := io.ReadFull(conn, text)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		came <- arrival{string(text[:n]), err}
	}()
	got := receive(t, "a stream", came)
	noError(t, got.err)
	return got.text
}

func muxListener(t testing.TB, mux *transport.Mux, id uint32) net.Listener {
	t.Helper()
	listener, err := mux.Listen(id)
	noError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestMuxBrokerBothWays(t *testing.T) {
	for _, secure := range []bool{false, true} {
		m := newMuxed(t, secure, 0, 0)
		for name, way := range map[string]struct{ accepter, dialer *services.Broker }{
			"the host dials": {m.plugin, m.host}, "the plugin dials": {m.host, m.plugin},
		} {
			for _, early := range []bool{false, true} {
				name := name
				if secure {
					name += " with mutual TLS"
				}
				if early {
					name += " before it is accepted"
				}
				t.Run(name, func(t *testing.T) {
					id := way.accepter.NextID()
					serving, stop := context.WithCancel(soon(t))
					ended := make(chan error, 1)
					serve := func() { ended <- way.accepter.Serve(serving, id, named{id: id}.register) }
					var result <-chan dialed
					if early {
						result = dialing(soon(t), way.dialer, id)
						services.AwaitEarly(way.accepter, id)
						go serve()
					} else {
						go serve()
						result = dialing(soon(t), way.dialer, id)
					}
					got := receive(t, "the end of Dial", result)
					noError(t, got.err)
					defer got.conn.Close()
					reaches(t, got.conn, id)
					stop()
					noError(t, receive(t, "the end of Serve", ended))
				})
			}
		}
	}
}

func TestMuxBrokerNobodyAccepts(t *testing.T) {
	t.Run("the peer refuses", func(t *testing.T) {
		m := newMuxed(t, false, 20*time.Millisecond, time.Hour)
		_, err := m.host.Dial(soon(t), 7)
		wantReason(t, err, services.BrokerRefused, 7)
		const want = "broker: service id 7: refused by the other side: service id 7 was not accepted within 20ms"
		if err.Error() != want {
			t.Errorf("error %q, expected %q", err, want)
		}
	})
	t.Run("the peer says nothing", func(t *testing.T) {
		m := newMuxed(t, false, time.Hour, 20*time.Millisecond)
		_, err := m.host.Dial(soon(t), 7)
		timeout := wantReason(t, err, services.BrokerTimeout, 7)
		if timeout.Hint() == "" || timeout.Err != nil {
			t.Errorf("error %v, hint %q", err, timeout.Hint())
		}
	})
	t.Run("the caller's deadline", func(t *testing.T) {
		m := newMuxed(t, false, time.Hour, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := m.plugin.Dial(ctx, 7)
		wantReason(t, err, services.BrokerTimeout, 7)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v does not wrap the caller's", err)
		}
	})
	t.Run("in the peer's words", func(t *testing.T) {
		broker, _, p := alone(t, time.Hour)
		result := dialing(soon(t), broker, 7)
		p.sees(t, 7, false)
		p.says <- acks(7, "no listener for id 7")
		got := receive(t, "the end of Dial", result)
		wantReason(t, got.err, services.BrokerRefused, 7)
		if !strings.HasSuffix(got.err.Error(), ": no listener for id 7") {
			t.Errorf("error %v, expected the peer's words", got.err)
		}
	})
}

func TestMuxBrokerDialsTakeTurns(t *testing.T) {
	broker, far, p := alone(t, time.Hour)
	listener := muxListener(t, far, 3)
	const dials = 20
	results := make([]<-chan dialed, dials)
	for i := range results {
		results[i] = dialing(soon(t), broker, 3)
	}
	for range dials {
		p.sees(t, 3, false)
		for range 100 {
			runtime.Gosched()
		}
		if waiting := len(p.hears); waiting != 0 {
			t.Fatalf("%d more knocks before the first was answered", waiting)
		}
		noError(t, far.Expect(3))
		p.says <- acks(3, "")
		if text := arrives(t, listener); text != "PRI" {
			t.Errorf("a stream begins with %q", text)
		}
	}
	for _, result := range results {
		got := receive(t, "the end of Dial", result)
		noError(t, got.err)
		_ = got.conn.Close()
	}
}

// A dial has its whole wait, however long it waited for its turn, and gives up
// its turn with its context.
func TestMuxBrokerTurnIsNotTheWait(t *testing.T) {
	broker, far, p := alone(t, 300*time.Millisecond)
	first := dialing(soon(t), broker, 1)
	p.sees(t, 1, false)
	ctx, cancel := context.WithCancel(t.Context())
	impatient := dialing(ctx, broker, 2)
	patient := dialing(soon(t), broker, 3)
	cancel()
	wantReason(t, receive(t, "the end of Dial", impatient).err, services.BrokerTimeout, 2)
	wantReason(t, receive(t, "the end of Dial", first).err, services.BrokerTimeout, 1)
	listener := muxListener(t, far, 3)
	p.sees(t, 3, false)
	noError(t, far.Expect(3))
	p.says <- acks(3, "")
	got := receive(t, "the end of Dial", patient)
	noError(t, got.err)
	defer got.conn.Close()
	if text := arrives(t, listener); text != "PRI" {
		t.Errorf("the stream begins with %q", text)
	}
}
