package services_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// What was announced before the relay began is not lost.
func TestRelayOfWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := meeting(t), meeting(t)
		far.peer.announce(3, "/announced/before")
		end := far.relay(near)
		if got := near.hear(); got.GetServiceId() != 3 || got.GetAddress() == "/announced/before" || got.GetNetwork() != "unix" {
			t.Errorf("announced on: %v", got)
		}
		end()
	})
}

// An announcement that nobody dials is withdrawn after ten seconds, one whose
// service is gone at once, and no number of them is too large.
func TestRelayForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := meeting(t), meeting(t)
		end := far.relay(near)
		far.peer.announce(1, "/gone")
		first := near.hear().GetAddress()
		if _, err := os.Lstat(first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second - time.Millisecond)
		synctest.Wait()
		if _, err := os.Lstat(first); err != nil {
			t.Errorf("withdrawn early: %v", err)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if _, err := os.Lstat(first); err == nil {
			t.Error("not withdrawn")
		}
		var open []string
		for id := range uint32(600) {
			far.peer.announce(100+id, "/gone")
			open = append(open, near.hear().GetAddress())
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		left := 0
		for _, address := range open {
			if _, err := os.Lstat(address); err == nil {
				left++
			}
		}
		if left != 512 {
			t.Errorf("%d are open, expected 512", left)
		}
		if _, err := os.Lstat(open[len(open)-1]); err != nil {
			t.Errorf("the last one: %v", err)
		}
		end()
		for _, address := range open {
			if _, err := os.Lstat(address); err == nil {
				t.Fatal("left after the end")
			}
		}
	})
}

// met is a broker and the peer that it talks to.
type met struct {
	*services.Broker

	peer *peer
}

func meeting(t *testing.T) *met {
	t.Helper()
	broker := services.NewBroker(services.BrokerConfig{
		Listen: listenQuietly(t.TempDir()),
		Connect: func(context.Context, transport.Endpoint) (net.Conn, error) {
			return nil, errors.New("nobody there")
		},
	})
	t.Cleanup(broker.Close)
	return &met{Broker: broker, peer: join(t, broker)}
}

// listenQuietly opens sockets that nobody dials: waiting there is nothing that
// the time of a synctest would wait for.
func listenQuietly(dir string) func(context.Context) (*transport.Listener, error) {
	return func(ctx context.Context) (*transport.Listener, error) {
		listener, err := listenUnix(dir)(ctx)
		if err == nil {
			listener.Listener = &quiet{Listener: listener.Listener, closed: make(chan struct{})}
		}
		return listener, err
	}
}

type quiet struct {
	net.Listener

	once   sync.Once
	closed chan struct{}
}

func (q *quiet) Accept() (net.Conn, error) {
	<-q.closed
	return nil, net.ErrClosed
}

func (q *quiet) Close() error {
	q.once.Do(func() { close(q.closed) })
	return q.Listener.Close()
}

// relay relays until the end is asked for.
func (m *met) relay(other *met) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		services.Relay(ctx, m.Broker, other.Broker, slog.New(slog.DiscardHandler))
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-ended
	}
}

func (m *met) hear() *pluginpb.ConnInfo {
	info := <-m.peer.hears
	synctest.Wait()
	return info
}
