package client

import (
	"context"
	"net"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// open dials an endpoint of the plugin, counted.
func (c *Client) open(ctx context.Context, endpoint transport.Endpoint, done func(DialInfo)) (net.Conn, error) {
	began := time.Now()
	conn, err := transport.Connect(ctx, endpoint)
	call(done, DialInfo{Endpoint: endpoint, Took: time.Since(began), Err: err})
	if err != nil {
		return nil, err
	}
	return c.traffic.Conn(conn), nil
}

// openMain dials the plugin's main server.
func (c *Client) openMain(ctx context.Context, endpoint transport.Endpoint) (net.Conn, error) {
	call(c.cfg.Trace.DialStart, endpoint)
	return c.open(ctx, endpoint, c.cfg.Trace.DialDone)
}

// counted is what became of opening a listener for the plugin.
func (c *Client) counted(listener *transport.Listener, err error) (*transport.Listener, error) {
	if err != nil {
		return nil, err
	}
	listener.Listener = c.traffic.Listener(listener.Listener)
	call(c.cfg.Trace.BrokerAccept, listener.Endpoint())
	return listener, nil
}

// openBrokered dials one of the plugin's brokered services.
func (c *Client) openBrokered(ctx context.Context, endpoint transport.Endpoint) (net.Conn, error) {
	return c.open(ctx, endpoint, c.cfg.Trace.BrokerDial)
}
