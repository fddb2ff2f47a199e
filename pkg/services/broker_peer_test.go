package services_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// wait is how long go-plugin's brokers wait for each other.
const wait = 5 * time.Second

// peer is the other end of a Broker's stream, without a network, so that time
// can be a test's own.
type peer struct {
	grpc.ServerStream

	says  chan *pluginpb.ConnInfo // closed: the stream is lost
	hears chan *pluginpb.ConnInfo
	ctx   context.Context
	leave context.CancelFunc
	ended chan error
}

func (p *peer) Recv() (*pluginpb.ConnInfo, error) {
	select {
	case info, more := <-p.says:
		if !more {
			return nil, io.EOF
		}
		return info, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

func (p *peer) Send(info *pluginpb.ConnInfo) error {
	select {
	case p.hears <- info:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// announce says where a service id can be dialed.
func (p *peer) announce(id uint32, address string) {
	p.says <- &pluginpb.ConnInfo{ServiceId: id, Network: "unix", Address: address}
	synctest.Wait()
}

// join opens the stream of broker.
func join(t *testing.T, broker *services.Broker) *peer {
	t.Helper()
	p := &peer{says: make(chan *pluginpb.ConnInfo), hears: make(chan *pluginpb.ConnInfo, 1), ended: make(chan error, 1)}
	p.ctx, p.leave = context.WithCancel(t.Context())
	go func() {
		defer p.leave() // as gRPC does when a handler returns
		p.ended <- broker.StartStream(p)
	}()
	t.Cleanup(p.leave)
	synctest.Wait()
	return p
}

// reached is the error of a connect function that tells where it was led.
type reached struct{ endpoint transport.Endpoint }

func (r reached) Error() string { return "reached " + r.endpoint.Address }

// lonely makes a broker that never really connects.
func lonely(t *testing.T) *services.Broker {
	t.Helper()
	broker := services.NewBroker(services.BrokerConfig{
		Listen: listenUnix(t.TempDir()),
		Connect: func(_ context.Context, endpoint transport.Endpoint) (net.Conn, error) {
			return nil, reached{endpoint}
		},
	})
	t.Cleanup(broker.Close)
	return broker
}

// dial returns where a Dial was led, or why it was not, and how long it took.
func dial(ctx context.Context, broker *services.Broker, id uint32) (where string, took time.Duration, err error) {
	began := time.Now()
	_, err = broker.Dial(ctx, id)
	var at reached
	if errors.As(err, &at) {
		return at.endpoint.Address, time.Since(began), nil
	}
	return "", time.Since(began), err
}

// wantReason checks the reason of a broker's error.
func wantReason(t *testing.T, err error, want services.BrokerReason, id uint32) *services.BrokerError {
	t.Helper()
	var got *services.BrokerError
	if !errors.As(err, &got) || got.Reason != want || got.ID != id {
		t.Fatalf("error %v, expected reason %q for id %d", err, want, id)
	}
	return got
}
