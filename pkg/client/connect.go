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

	"github.com/pyvider/rpcplugin/internal/event"
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
	if c.line.Address == "" {
		return c.fail(ReasonConnect, errNoAddress)
	}
	seen := &witness{TransportCredentials: creds}
	endpoint, err := c.toHost(transport.Endpoint{Network: c.line.Network, Address: c.line.Address})
	if err != nil {
		return c.fail(ReasonRunner, err)
	}
	if c.cfg.Multiplex {
		if c.mux, err = c.multiplex(ctx, endpoint); err != nil {
			return c.fail(ReasonConnect, err)
		}
	}
	c.hold(ctx, endpoint)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := c.dial(ctx, endpoint)
		seen.noteDial(err)
		return conn, err
	}
	options := append([]grpc.DialOption{
		grpc.WithChainUnaryInterceptor(c.interceptUnary),
		grpc.WithChainStreamInterceptor(c.interceptStream),
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
	c.converse()
	return nil
}

// converse opens the streams of broker and stdio.
func (c *Client) converse() {
	streams, cut := context.WithCancel(context.Background())
	c.cut = cut
	if c.attached != nil {
		c.streams.Go(func() { c.attached.watch(streams, c.conn) })
	}
	c.broker = services.NewBroker(c.brokered())
	c.streams.Go(func() {
		if err := c.broker.Run(streams, c.conn); err != nil && streams.Err() == nil {
			c.cfg.log.Debug("the broker's stream ended", event.Failed(event.Broker, event.Relay), "error", err)
		}
	})
	c.streams.Go(func() {
		if err := services.CopyStdio(streams, c.conn, c.cfg.Stdout, c.cfg.Stderr); err != nil {
			c.cfg.log.Debug("the stdio stream ended", event.Failed(event.Stdio, event.Relay), "error", err)
		}
	})
}

// brokered says how services travel that the two sides offer each other: unix
// sockets are in the directory of the plugin's own, which a Runner may share
// with it.
func (c *Client) brokered() services.BrokerConfig {
	config := services.BrokerConfig{
		Announce:  c.toPlugin,
		Connect:   c.connectBrokered,
		ServerTLS: c.brokerTLS,
		ClientTLS: c.tls,
	}
	if c.mux != nil {
		config.Mux = func(context.Context) (*transport.Mux, error) { return c.mux, nil }
	}
	var unix transport.UnixConfig
	if c.socket != nil {
		unix.Dir = c.socket.Dir()
	}
	var carrier transport.Transport = transport.NewUnix(unix)
	if c.line.Network == handshake.NetworkTCP {
		carrier = transport.NewTCP(transport.TCPConfig{})
	}
	config.Listen = func(ctx context.Context) (*transport.Listener, error) { return c.counted(carrier.Listen(ctx)) }
	return config
}

// multiplex opens the one connection that all others share.
func (c *Client) multiplex(ctx context.Context, endpoint transport.Endpoint) (*transport.Mux, error) {
	conn, err := c.openMain(ctx, endpoint)
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
	return c.openMain(ctx, endpoint)
}

// connectBrokered reaches what the plugin has announced by its broker.
func (c *Client) connectBrokered(ctx context.Context, announced transport.Endpoint) (net.Conn, error) {
	endpoint, err := c.toHost(announced)
	if err != nil {
		return nil, err
	}
	return c.openBrokered(ctx, endpoint)
}

// credentials are those of the TLSConfig, or pin the plugin's certificate.
func (c *Client) credentials() (credentials.TransportCredentials, error) {
	if manual := c.cfg.TLSConfig; manual != nil {
		c.tls, c.brokerTLS = manual, manual
		return c.tracedTLS(manual), nil
	}
	if c.pair == nil && c.line.Certificate != nil {
		return nil, c.fail(ReasonTLS, errUnaskedCertificate)
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
	return c.tracedTLS(c.tls), nil
}
