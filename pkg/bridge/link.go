package bridge

import (
	"context"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

const (
	// firstRetry and lastRetry are the pauses between attempts to reach a
	// child that does not listen yet.
	firstRetry = time.Millisecond
	lastRetry  = 10 * time.Millisecond
)

// link is the way to the child: one gRPC connection to where it listens.
type link struct {
	at   transport.Endpoint
	lost atomic.Bool // the newest connection has broken

	mu   sync.Mutex
	way  *socketHandle // to the socket after its file is gone; nil: dial at
	conn *grpc.ClientConn
}

func newLink(at transport.Endpoint) *link { return &link{at: at} }

// open tries until the child accepts and returns the connection. The child's
// socket file is removed then where it can be: nobody else has business there.
func (l *link) open(ctx context.Context) (*grpc.ClientConn, error) {
	first, err := l.knock(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.Network == handshake.NetworkUnix {
		l.way = keepSocket(l.at.Address)
	}
	accepted := make(chan net.Conn, 1)
	accepted <- l.track(first)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		select {
		case conn := <-accepted:
			return conn, nil
		default:
			return l.redial(ctx)
		}
	}
	l.conn, err = grpc.NewClient("passthrough:///localhost",
		grpc.WithContextDialer(dialer),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithIdleTimeout(0),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstRetry, Multiplier: 2, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}),
	)
	if err != nil {
		_ = first.Close()
		return nil, err
	}
	l.conn.Connect()
	return l.conn, nil
}

// knock dials until the child accepts.
func (l *link) knock(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	for pause := firstRetry; ; pause = min(pause*2, lastRetry) {
		conn, err := dialer.DialContext(ctx, l.at.Network, l.at.Address)
		if err == nil {
			return conn, nil
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, ctx.Err()
		}
	}
}

// redial reaches the child again, for example after it has ended an old
// connection with GOAWAY.
func (l *link) redial(ctx context.Context) (net.Conn, error) {
	address := l.at.Address
	l.mu.Lock()
	if l.way != nil {
		address = l.way.address()
	}
	l.mu.Unlock()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, l.at.Network, address)
	if err != nil {
		return nil, err
	}
	return l.track(conn), nil
}

// broken reports whether the newest connection has broken. It is known before
// any call that used it fails.
func (l *link) broken() bool { return l.lost.Load() }

func (l *link) track(conn net.Conn) net.Conn {
	l.lost.Store(false)
	return &trackedConn{Conn: conn, lost: &l.lost}
}

// close ends the connection.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
	if l.way != nil {
		l.way.close()
	}
}

// trackedConn notes that it has broken.
type trackedConn struct {
	net.Conn

	lost *atomic.Bool
}

func (c *trackedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.lost.Store(true)
	}
	return n, err
}

func (c *trackedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.lost.Store(true)
	}
	return n, err
}

// freePort finds a port of the loopback that nobody uses. Another program may
// take it before the child does: the price of tcp.
func freePort(ctx context.Context) (transport.Endpoint, error) {
	listener, err := transport.NewTCP(transport.TCPConfig{}).Listen(ctx)
	if err != nil {
		return transport.Endpoint{}, err
	}
	return listener.Endpoint(), listener.Close()
}
