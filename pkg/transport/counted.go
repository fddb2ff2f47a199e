package transport

import (
	"net"
	"sync/atomic"
	"syscall"
)

// Counter counts the bytes of any number of connections, as they are on the
// wire: where there is TLS, it goes around a counted connection. The zero value
// is ready; all methods may be called concurrently.
type Counter struct {
	in, out atomic.Uint64
}

// Bytes returns how many bytes were read and written so far.
func (c *Counter) Bytes() (in, out uint64) { return c.in.Load(), c.out.Load() }

// Conn returns conn, counted. It belongs to the caller as conn did. It is a
// syscall.Conn if conn is one; what is done by way of that, and only that, is
// not counted. net.Buffers are written to it piece by piece.
func (c *Counter) Conn(conn net.Conn) net.Conn {
	counted := countedConn{Conn: conn, counter: c}
	if system, ok := conn.(syscall.Conn); ok {
		return &countedSystemConn{countedConn: counted, system: system}
	}
	return &counted
}

// Listener returns listener, whose connections are counted. The caller closes
// it.
func (c *Counter) Listener(listener net.Listener) net.Listener {
	return &countedListener{Listener: listener, counter: c}
}

// countedConn is a connection whose bytes are counted.
type countedConn struct {
	net.Conn

	counter *Counter
}

// Read is that of the connection, counted.
func (c *countedConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	c.counter.in.Add(uint64(n))
	return n, err
}

// Write is that of the connection, counted.
func (c *countedConn) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	c.counter.out.Add(uint64(n))
	return n, err
}

// countedSystemConn is one that gRPC can set options on and look into.
type countedSystemConn struct {
	countedConn

	system syscall.Conn
}

// SyscallConn is that of the connection.
func (c *countedSystemConn) SyscallConn() (syscall.RawConn, error) { return c.system.SyscallConn() }

// countedListener is a listener whose connections are counted.
type countedListener struct {
	net.Listener

	counter *Counter
}

// Accept is that of the listener, counted.
func (l *countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.counter.Conn(conn), nil
}
