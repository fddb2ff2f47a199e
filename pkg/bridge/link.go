package bridge

import (
	"context"
	"net"
	"sync"
	"time"

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
	// spareAge is how long a connection may wait for its first use. A server
	// closes one on which nothing is said, usually after two minutes.
	spareAge = 10 * time.Second
)

// link is the way to the child: where it listens.
type link struct {
	at transport.Endpoint

	mu     sync.Mutex
	way    *socketHandle // to the socket after its file is gone; nil: dial at
	spare  net.Conn      // the first one, until somebody takes it
	opened time.Time     // when spare was
	closed bool
}

func newLink(at transport.Endpoint) *link { return &link{at: at} }

// open tries until the child accepts. It need not serve yet.
func (l *link) open(ctx context.Context) error {
	first, err := l.knock(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return first.Close()
	}
	l.spare, l.opened = first, time.Now()
	return nil
}

// dial opens a connection to a child that has accepted before, and tries again
// for as long as ctx lasts: it may be between two listeners.
func (l *link) dial(ctx context.Context) (net.Conn, error) {
	if conn := l.takeSpare(); conn != nil {
		return conn, nil
	}
	return l.knock(ctx)
}

func (l *link) takeSpare() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conn := l.spare
	l.spare = nil
	if conn != nil && time.Since(l.opened) > spareAge {
		_ = conn.Close()
		return nil
	}
	return conn
}

// knock dials until the child accepts.
func (l *link) knock(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	began := time.Now()
	for {
		var err error
		for _, address := range l.addresses() {
			var conn net.Conn
			if conn, err = dialer.DialContext(ctx, l.at.Network, address); err == nil {
				return conn, nil
			}
		}
		wait := time.NewTimer(min(max(time.Since(began)/retryShare, firstRetry), lastRetry))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, err
		}
	}
}

// addresses are where the child may listen: by the handle, and by the path in
// case that it made its socket anew.
func (l *link) addresses() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.way != nil {
		return []string{l.way.address(), l.at.Address}
	}
	return []string{l.at.Address}
}

// hide removes the child's socket file, where that can be: nobody else has
// business there. It is for a child that has spoken on a connection: before, a
// server may still touch its socket.
func (l *link) hide() {
	if l.at.Network != handshake.NetworkUnix {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.way == nil && !l.closed {
		l.way = keepSocket(l.at.Address)
	}
}

// close lets go of the way. Connections that were handed out stay.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.spare != nil {
		_ = l.spare.Close()
		l.spare = nil
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
