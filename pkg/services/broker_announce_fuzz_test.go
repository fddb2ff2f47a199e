package services_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// FuzzBrokerAnnouncement plays a peer that announces anything at all, and then
// dials it: what is no address is refused as such, and only what the peer said is
// connected to.
func FuzzBrokerAnnouncement(f *testing.F) {
	for _, seed := range []struct {
		id               uint32
		network, address string
	}{
		{1, "unix", "/tmp/plugin.sock"},
		{2, "tcp", "127.0.0.1:10000"},
		{3, "tcp", "[::1]:1"},
		{0, "", ""},
		{1 << 31, "unix", ""},
		{1<<32 - 1, "tcp", "/tmp/plugin.sock"},
		{4, "unix", "127.0.0.1:1"},
		{5, "udp", "127.0.0.1:1"},
		{6, "unix", "relative/path"},
		{7, "unix", "@abstract"},
		{8, "unix", "unix:/tmp/x"},
		{9, "tcp", "tcp://127.0.0.1:1"},
		{10, "unix", "/" + strings.Repeat("x", 300)},
		{11, "unix", "/a\x00b"},
		{12, "tcp", "\xff:1"},
		{13, "tcp", "127.0.0.1:65536"},
	} {
		f.Add(seed.id, seed.network, seed.address, false)
		f.Add(seed.id, seed.network, seed.address, true)
	}
	f.Fuzz(func(t *testing.T, id uint32, network, address string, twice bool) {
		var tried []transport.Endpoint
		broker := services.NewBroker(services.BrokerConfig{
			Connect: func(_ context.Context, endpoint transport.Endpoint) (net.Conn, error) {
				tried = append(tried, endpoint)
				return nil, errRefused
			},
		})
		defer broker.Close()
		announcement := &pluginpb.ConnInfo{ServiceId: id, Network: network, Address: address}
		p := &peer{says: make(chan *pluginpb.ConnInfo), hears: make(chan *pluginpb.ConnInfo, 1), ended: make(chan error, 1), ctx: t.Context()}
		go func() { p.ended <- broker.StartStream(p) }()
		p.says <- announcement
		if twice { // the first one stands
			p.says <- &pluginpb.ConnInfo{ServiceId: id, Network: "unix", Address: "/another"}
		}
		close(p.says)
		noError(t, receive(t, "the end of the stream", p.ended))

		conn, err := broker.Dial(soon(t), id)
		if conn != nil {
			t.Fatal("connected to nowhere")
		}
		var failed *services.BrokerError
		if !errors.As(err, &failed) || failed.ID != id || failed.Err == nil {
			t.Fatalf("error %#v, expected a *services.BrokerError for id %d with its cause", err, id)
		}
		said := transport.Endpoint{Network: network, Address: address}
		switch failed.Reason {
		case services.BrokerAddress:
			if len(tried) != 0 {
				t.Errorf("refused %+v and connected to %+v", said, tried)
			}
		case services.BrokerConnect:
			if len(tried) != 1 || tried[0] != said || (network != transport.NetworkUnix && network != transport.NetworkTCP) || address == "" {
				t.Errorf("connected to %+v, announced %+v", tried, said)
			}
			if !errors.Is(err, errRefused) {
				t.Errorf("error %v does not wrap its cause", err)
			}
		default:
			t.Errorf("reason %q of %v", failed.Reason, err)
		}

		// It was taken: the next dial waits for another one.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := broker.Dial(gone, id); !errors.As(err, &failed) || failed.Reason != services.BrokerTimeout {
			t.Errorf("dialed again: %v, expected reason %q", err, services.BrokerTimeout)
		}
	})
}
