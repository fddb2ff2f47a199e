package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

const (
	// localBuffer is how many bytes a connection in memory holds each way.
	localBuffer = 64 << 10
	// greetWait is how long a host may take for the TLS handshake.
	greetWait = 10 * time.Second
	// acceptPause is the wait after a failure to accept that may pass, such as
	// that of too many open files.
	acceptPause = 50 * time.Millisecond
)

// carriage gives the host's connections to a Config.Carry. The methods of a nil
// one do nothing.
type carriage struct {
	carry  func(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error))
	tls    *tls.Config // nil without TLS
	logger *slog.Logger

	mu      sync.Mutex
	refused bool
	hosts   net.Listener       // nil before serve
	hush    context.CancelFunc // ends the handshakes that go on; nil before serve
	running sync.WaitGroup     // Carry's calls, and who may start more
}

// serve accepts hosts until refuse is called, serves gRPC to their connections
// in memory until server is stopped, and waits for the calls of Carry, whose
// context ctx is. An error is that of the listener; server is stopped then, and
// nothing waited for.
func (c *carriage) serve(ctx context.Context, hosts net.Listener, server *grpc.Server) error {
	greeting, hush := context.WithCancel(ctx)
	defer hush()
	if !c.begin(hosts, hush) {
		_ = hosts.Close()
		return nil
	}
	local := bufconn.Listen(localBuffer)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(local) // a listener in memory fails only when it is closed
	}()
	err := c.accept(greeting, hosts, func(conn net.Conn) { c.carryOne(ctx, conn, local) })
	c.running.Done()
	if err != nil {
		server.Stop()
		<-served
		return err
	}
	<-served
	c.wait() // they may use what hosts came by
	return nil
}

// carryOne has Carry carry one connection. What it opens toward the server is
// cut with ctx: a server cannot stop while somebody connects in silence.
func (c *carriage) carryOne(ctx context.Context, host net.Conn, local *bufconn.Listener) {
	var opened sync.WaitGroup
	defer opened.Wait()
	done := make(chan struct{})
	defer close(done)
	c.carry(ctx, host, func(dialing context.Context) (net.Conn, error) {
		conn, err := local.DialContext(dialing)
		if err != nil {
			return nil, err
		}
		opened.Go(func() {
			select {
			case <-ctx.Done():
				_ = conn.Close()
			case <-done:
			}
		})
		return conn, nil
	})
}

// begin reports whether hosts are welcome.
func (c *carriage) begin(hosts net.Listener, hush context.CancelFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.refused {
		c.hosts, c.hush = hosts, hush
		c.running.Add(1)
	}
	return !c.refused
}

// refuse has no more hosts accepted, and none greeted.
func (c *carriage) refuse() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = true
	if c.hosts != nil {
		c.hush() // first: so accept knows why
		_ = c.hosts.Close()
	}
}

// wait waits for the calls of Carry, after refuse.
func (c *carriage) wait() {
	if c != nil {
		c.running.Wait()
	}
}

// accept greets hosts, each in a goroutine of its own, and carries them. It
// returns nil after refuse.
func (c *carriage) accept(greeting context.Context, hosts net.Listener, carry func(net.Conn)) error {
	for {
		conn, err := hosts.Accept()
		if err == nil {
			c.running.Go(func() {
				if conn = c.greet(greeting, conn); conn != nil {
					carry(conn)
				}
			})
			continue
		}
		if greeting.Err() != nil {
			return nil
		}
		if passing, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err); !ok || !passing.Temporary() {
			return err
		}
		c.logger.Debug("cannot accept a host now", event.Retry(event.Connection, event.Accept), "error", err)
		select {
		case <-time.After(acceptPause):
		case <-greeting.Done():
			return nil
		}
	}
}

// greet does the TLS handshake. Nil means that it failed: that is the host's to
// tell, and no other connection's concern.
func (c *carriage) greet(ctx context.Context, conn net.Conn) net.Conn {
	if c.tls == nil {
		return conn
	}
	ctx, cancel := context.WithTimeout(ctx, greetWait)
	defer cancel()
	secure := tls.Server(conn, c.tls)
	err := secure.HandshakeContext(ctx)
	if err == nil && secure.ConnectionState().NegotiatedProtocol != alpn {
		err = fmt.Errorf("the host agreed on the protocol %q within TLS, expected %q", secure.ConnectionState().NegotiatedProtocol, alpn)
	}
	if err == nil {
		return secure
	}
	if !errors.Is(err, io.EOF) { // a probe
		c.logger.Debug("a host's TLS handshake failed", event.Failed(event.TLS, event.Accept), "error", pki.Explain(err))
	}
	_ = conn.Close()
	return nil
}
