package bridge

import (
	"context"
	"math"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

const (
	// firstRetry and lastRetry bound the pauses between attempts to reach a
	// child that does not listen yet. In between they are retryShare of the time
	// that was waited: then that much is lost at most.
	firstRetry = time.Millisecond
	lastRetry  = 50 * time.Millisecond
	retryShare = 100
)

// link is the way to the child: one gRPC connection to where it listens.
type link struct {
	at       transport.Endpoint
	patience time.Duration // with a child that accepts and says nothing

	mu   sync.Mutex
	way  *socketHandle // to the socket after its file is gone; nil: dial at
	conn *grpc.ClientConn
}

func newLink(at transport.Endpoint, patience time.Duration) *link {
	return &link{at: at, patience: patience}
}

// open tries until the child accepts and returns the connection. The child
// need not serve yet: calls wait for that, too.
func (l *link) open(ctx context.Context) (*grpc.ClientConn, error) {
	first, err := l.knock(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	accepted := make(chan net.Conn, 1)
	accepted <- first
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
			MinConnectTimeout: l.patience,
		}),
		grpc.WithStatsHandler(answerWatch{}),
	)
	if err != nil {
		_ = first.Close()
		return nil, err
	}
	l.conn.Connect()
	return l.conn, nil
}

// hide removes the child's socket file, where that can be: nobody else has
// business there. It waits until the child speaks on the connection, because
// a server may touch its socket after it has begun to listen.
func (l *link) hide(ctx context.Context) {
	if l.at.Network != handshake.NetworkUnix {
		return
	}
	for state := l.conn.GetState(); state != connectivity.Ready; state = l.conn.GetState() {
		if !l.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.way = keepSocket(l.at.Address)
}

// knock dials until the child accepts.
func (l *link) knock(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	began := time.Now()
	for {
		conn, err := dialer.DialContext(ctx, l.at.Network, l.at.Address)
		if err == nil {
			return conn, nil
		}
		wait := time.NewTimer(min(max(time.Since(began)/retryShare, firstRetry), lastRetry))
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
	return dialer.DialContext(ctx, l.at.Network, address)
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
		l.way = nil // its number may be another file's by now
	}
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
