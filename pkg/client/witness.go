package client

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// witness remembers why the last attempt to connect failed: gRPC itself tells
// only in words.
type witness struct {
	credentials.TransportCredentials

	mu            sync.Mutex
	dial, greeted error
}

// ClientHandshake is the TLS handshake, watched.
func (w *witness) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	w.noteHandshake(err)
	if err != nil {
		return conn, info, err
	}
	return &firstRead{Conn: conn, witness: w, done: make(chan struct{})}, info, nil
}

// Clone keeps the witness in place when gRPC copies the credentials.
func (w *witness) Clone() credentials.TransportCredentials { return w }

// noteDial remembers the outcome of a dial.
func (w *witness) noteDial(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dial = err
}

// noteHandshake remembers the outcome of a TLS handshake.
func (w *witness) noteHandshake(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.greeted = err
}

func (w *witness) dialed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dial
}

func (w *witness) shook() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.greeted
}

// firstRead is a connection whose first read tells whether the plugin has
// taken our certificate: with TLS 1.3 the handshake has ended before that.
type firstRead struct {
	net.Conn

	witness *witness
	once    sync.Once
	done    chan struct{} // closed after the first read
}

// Read is that of the connection, watched.
func (c *firstRead) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	c.once.Do(func() {
		defer close(c.done)
		var refused *pki.Error
		if err := pki.Explain(err); errors.As(err, &refused) {
			c.witness.noteHandshake(err)
		}
	})
	return n, err
}

// Write is that of the connection. When the plugin has closed it, what it said
// before is waited for: gRPC reads at the same time.
func (c *firstRead) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	if err != nil {
		patience := time.NewTimer(refusalTime)
		defer patience.Stop()
		select {
		case <-c.done:
		case <-patience.C:
		}
	}
	return n, err
}

// refusalTime is more than it takes to read what has arrived.
const refusalTime = 100 * time.Millisecond
