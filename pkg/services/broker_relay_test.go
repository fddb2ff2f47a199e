package services_test

import (
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

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// joined are a host and a plugin whose brokers meet in the middle: the host's
// with near, the plugin's with far.
type joined struct {
	host, near, far, plugin *services.Broker
	stop                    func() // ends the relay and waits for that
}

// relayed connects them. Each leg has secrets of its own.
func relayed(t *testing.T, secure, multiplex bool) *joined {
	t.Helper()
	var j joined
	if multiplex {
		one, other := newMuxed(t, secure, 0, 0), newMuxed(t, secure, 0, 0)
		j.host, j.near, j.far, j.plugin = one.host, one.plugin, other.host, other.plugin
	} else {
		one, other := newBrokers(t, secure), newBrokers(t, secure)
		j.host, j.near, j.far, j.plugin = one.host, one.plugin, other.host, other.plugin
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		services.Relay(ctx, j.near, j.far, slog.New(slog.DiscardHandler))
	}()
	j.stop = func() {
		cancel()
		receive(t, "the end of the relay", ended)
	}
	t.Cleanup(j.stop)
	return &j
}

// serveOn serves Echo under an id until the test is over.
func serveOn(t *testing.T, broker *services.Broker, id uint32) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- broker.Serve(ctx, id, func(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, echo{}) })
	}()
	t.Cleanup(func() {
		cancel()
		<-served
	})
}

func TestRelayBothWays(t *testing.T) {
	for name, test := range map[string]struct{ secure, multiplex bool }{
		"clear": {}, "tls": {secure: true}, "multiplexed": {multiplex: true}, "multiplexed tls": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			j := relayed(t, test.secure, test.multiplex)
			var calls sync.WaitGroup
			for id := uint32(1); id <= 5; id++ {
				for _, way := range [][2]*services.Broker{{j.host, j.plugin}, {j.plugin, j.host}} {
					serveOn(t, way[0], id)
					calls.Go(func() {
						conn, err := way[1].Dial(soon(t), id)
						if err != nil {
							t.Error(err)
							return
						}
						defer conn.Close()
						big := []byte(strings.Repeat("relayed", 200_000))
						answer, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{Payload: big})
						if err != nil || len(answer.GetPayload()) != len(big) {
							t.Errorf("id %d: %v", id, err)
						}
					})
				}
			}
			calls.Wait()
		})
	}
}

// An id that the other side refuses is refused with its words.
func TestRelayPassesRefusalsOn(t *testing.T) {
	one, other := newMuxed(t, false, 0, 0), newMuxed(t, false, 100*time.Millisecond, 0)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		services.Relay(ctx, one.plugin, other.host, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		cancel()
		<-ended
	}()
	_, err := one.host.Dial(soon(t), 7)
	refused := wantReason(t, err, services.BrokerRefused, 7)
	if !strings.Contains(refused.Error(), "was not accepted within 100ms") {
		t.Errorf("got %v", refused)
	}
	serveOn(t, other.plugin, 8) // and the next one is none the worse
	conn, err := one.host.Dial(soon(t), 8)
	noError(t, err)
	defer conn.Close()
	_, err = testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{})
	noError(t, err)
}

// One side of a relayed connection may end before the other.
func TestRelayHalfClose(t *testing.T) {
	for name, secure := range map[string]bool{"clear": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			j := relayed(t, secure, false)
			listener, err := j.plugin.Accept(soon(t), 4)
			noError(t, err)
			defer listener.Close()
			server := make(chan error, 1)
			go func() { server <- answerAtEnd(listener, services.ConfigOf(j.plugin).ServerTLS) }()
			conn, err := services.RawDial(soon(t), j.host, 4)
			noError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "all I have")
			noError(t, err)
			noError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
			answer, err := io.ReadAll(conn)
			if err != nil || string(answer) != "heard: all I have" {
				t.Errorf("got %q, %v", answer, err)
			}
			noError(t, receive(t, "the server's end", server))
			noError(t, conn.Close())
			j.stop()
		})
	}
}

// answerAtEnd answers the first connection once that has ended.
func answerAtEnd(listener net.Listener, config *tls.Config) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if config != nil {
		conn = tls.Server(conn, config)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "heard: "+string(all))
	return errors.Join(err, conn.Close())
}

// A relay whose one side is gone ends with its last connection, or with its
// context.
func TestRelayEndsWithEitherSide(t *testing.T) {
	j := relayed(t, true, false)
	serveOn(t, j.plugin, 2)
	conn, err := j.host.Dial(soon(t), 2)
	noError(t, err)
	defer conn.Close()
	client := testpb.NewEchoClient(conn)
	_, err = client.Unary(soon(t), &testpb.Message{})
	noError(t, err)
	j.far.Close()
	_, err = client.Unary(soon(t), &testpb.Message{}) // what is open stays so
	noError(t, err)
	j.stop()
	if _, err := client.Unary(soon(t), &testpb.Message{}); err == nil {
		t.Error("the connection has outlived the relay")
	}
}
