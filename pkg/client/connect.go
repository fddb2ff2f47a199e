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
	if c.cfg.Multiplex {
		if c.mux, err = c.multiplex(ctx, endpoint); err != nil {
			return c.fail(ReasonConnect, err)
		}
	}
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := c.dial(ctx, endpoint)
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
	if c.attached != nil {
		c.streams.Go(func() { c.attached.watch(streams, c.conn) })
	}
	brokered := services.BrokerConfig{
		Listen:    c.listen,
		Connect:   transport.Connect,
		ServerTLS: c.brokerTLS,
		ClientTLS: c.tls,
	}
	if c.mux != nil {
		brokered.Mux = func(context.Context) (*transport.Mux, error) { return c.mux, nil }
	}
	c.broker = services.NewBroker(brokered)
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

// multiplex opens the one connection that all others share.
func (c *Client) multiplex(ctx context.Context, endpoint transport.Endpoint) (*transport.Mux, error) {
	conn, err := transport.Connect(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return transport.HostMux(conn)
}

// dial opens a connection to the plugin's main server.
func (c *Client) dial(ctx context.Context, endpoint transport.Endpoint) (net.Conn, error) {
	if c.mux != nil {
		return c.mux.Open(ctx)
	}
	return transport.Connect(ctx, endpoint)
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
