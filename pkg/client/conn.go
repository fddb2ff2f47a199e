package client

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// DialMain opens one more connection to the plugin's main server, beside that of
// Conn, for a caller who speaks HTTP/2 on it by himself: TLS, if there is any, is
// done, and multiplexed it is a stream. Set Config.HoldSocket for it. The caller
// closes it; what travels on it is counted as traffic, not as calls.
func (c *Client) DialMain(ctx context.Context) (net.Conn, error) {
	conn, err := c.dialMain(ctx)
	if err != nil || c.tls == nil {
		return conn, err
	}
	config := c.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = "localhost"
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (c *Client) dialMain(ctx context.Context) (net.Conn, error) {
	if c.mux != nil {
		return c.broker.OpenMain(ctx)
	}
	if c.held != nil {
		if conn, err := c.held.dial(ctx); err == nil {
			return c.traffic.Conn(conn), nil
		}
	}
	endpoint, err := c.toHost(transport.Endpoint{Network: c.line.Network, Address: c.line.Address})
	if err != nil {
		return nil, err
	}
	return c.openMain(ctx, endpoint)
}

// hold keeps the way to the plugin's main socket open, if that is asked for and
// the plugin may remove it.
func (c *Client) hold(ctx context.Context, endpoint transport.Endpoint) {
	if c.cfg.HoldSocket && !c.cfg.Multiplex && endpoint.Network == handshake.NetworkUnix {
		c.held = holdSocket(ctx, endpoint)
	}
}
