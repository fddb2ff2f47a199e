package client

import (
	"context"
	"errors"
	"math"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // a plugin may compress

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// connect opens the gRPC connection, pings, and opens broker and stdio.
func (c *Client) connect(ctx context.Context) error {
	creds, err := c.credentials()
	if err != nil {
		return err
	}
	seen := &witness{TransportCredentials: creds}
	endpoint := transport.Endpoint{Network: c.line.Network, Address: c.line.Address}
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := transport.Connect(ctx, endpoint)
		seen.noteDial(err)
		return conn, err
	}
	options := append([]grpc.DialOption{
		grpc.WithContextDialer(dialer),
		grpc.WithTransportCredentials(seen),
		grpc.WithIdleTimeout(0),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}, c.cfg.DialOptions...)
	if c.conn, err = grpc.NewClient("passthrough:///localhost", options...); err != nil {
		return c.fail(ReasonConnect, err)
	}
	if err := c.reach(ctx, seen); err != nil {
		return err
	}
	streams, cut := context.WithCancel(context.Background())
	c.cut = cut
	c.broker = services.NewBroker(services.BrokerConfig{
		Listen:    c.listen,
		Connect:   transport.Connect,
		ServerTLS: c.brokerTLS,
		ClientTLS: c.tls,
	})
	c.streams.Go(func() {
		if err := c.broker.Run(streams, c.conn); err != nil && streams.Err() == nil {
			c.cfg.Logger.Debug("the broker's stream ended", "error", err)
		}
	})
	c.streams.Go(func() {
		if err := services.CopyStdio(streams, c.conn, c.cfg.Stdout, c.cfg.Stderr); err != nil {
			c.cfg.Logger.Debug("the stdio stream ended", "error", err)
		}
	})
	return nil
}

// credentials pins the plugin's certificate.
func (c *Client) credentials() (credentials.TransportCredentials, error) {
	if c.pair == nil && c.line.Certificate != nil {
		return nil, c.fail(ReasonTLS, errors.New("its handshake line carries a certificate, though none was asked for"))
	}
	if c.pair == nil {
		return insecure.NewCredentials(), nil
	}
	if c.line.Certificate == nil {
		return nil, c.fail(ReasonTLS, errors.New("AutoMTLS was asked for and its handshake line carries no certificate"))
	}
	peer, err := pki.ParseDER(c.line.Certificate)
	if err != nil {
		return nil, c.fail(ReasonTLS, err)
	}
	c.tls, c.brokerTLS = c.pair.ClientTLS(peer), c.pair.ServerTLS(peer)
	return credentials.NewTLS(c.tls), nil
}

// listen opens the listener of a service that the plugin dials.
func (c *Client) listen(ctx context.Context) (*transport.Listener, error) {
	if c.line.Network == handshake.NetworkTCP {
		return transport.NewTCP(transport.TCPConfig{}).Listen(ctx)
	}
	return transport.NewUnix(transport.UnixConfig{}).Listen(ctx)
}
