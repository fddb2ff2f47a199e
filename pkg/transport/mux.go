package transport

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// muxExpected bounds the streams that the other side can have us expect without
// opening them.
const muxExpected = 4096

// Mux carries many connections over one, as hosts and plugins do that agreed
// on multiplexing (see the go-plugin contract, section 4): a yamux session with
// its default configuration, in which each stream is a connection.
//
// Whom a stream that the other side opens is for was agreed beforehand: Expect
// says that the next one belongs to a service id. Streams that nobody expects
// belong to the plugin's main server. All methods may be called from any
// goroutine.
type Mux struct {
	session *yamux.Session
	main    *muxListener // of streams that nobody expects; nil on a host

	mu        sync.Mutex
	expected  []uint32
	listeners map[uint32]*muxListener
	accepting sync.WaitGroup
}

// AcceptMux waits for the one connection of a multiplexing host and runs the
// plugin's side of a session over it. A host that does not come within wait is
// an error with ReasonTimeout. The listener stays open; the caller closes both.
func AcceptMux(listener *Listener, wait time.Duration) (*Mux, error) {
	if bounded, ok := listener.Listener.(interface{ SetDeadline(at time.Time) error }); ok {
		if err := bounded.SetDeadline(time.Now().Add(wait)); err != nil {
			return nil, &Error{Reason: ReasonClosed, Found: listener.endpoint.Address, Err: err}
		}
	}
	conn, err := listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &Error{Reason: ReasonTimeout, Found: listener.endpoint.Address, Expected: "a host within " + wait.String(), Err: err}
	}
	if err != nil {
		return nil, &Error{Reason: ReasonClosed, Found: listener.endpoint.Address, Err: err}
	}
	return PluginMux(conn)
}

// HostMux runs the host's side of a session over conn, which belongs to the
// Mux from here on. The caller closes the Mux.
func HostMux(conn net.Conn) (*Mux, error) {
	return newMux(conn, yamux.Client, false)
}

// PluginMux runs the plugin's side of a session over conn, which belongs to
// the Mux from here on. The caller closes the Mux.
func PluginMux(conn net.Conn) (*Mux, error) {
	return newMux(conn, yamux.Server, true)
}

func newMux(conn net.Conn, side func(io.ReadWriteCloser, *yamux.Config) (*yamux.Session, error), plugin bool) (*Mux, error) {
	config := yamux.DefaultConfig()
	config.LogOutput = nil
	config.Logger = log.New(io.Discard, "", 0)
	session, err := side(conn, config)
	if err != nil {
		_ = conn.Close()
		return nil, &Error{Reason: ReasonSystem, Err: err}
	}
	m := &Mux{session: session, listeners: make(map[uint32]*muxListener)}
	if plugin {
		m.main = newMuxListener(m, 0)
	}
	m.accepting.Go(m.accept)
	return m, nil
}

// Open opens a stream. It succeeds as soon as the request is sent; whether the
// other side takes it shows at the first read. The caller closes it.
func (m *Mux) Open(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, classify(ctx, m.session.RemoteAddr().String(), err)
	}
	stream, err := m.session.OpenStream()
	if err != nil {
		return nil, &Error{Reason: ReasonClosed, Err: net.ErrClosed}
	}
	return stream, nil
}

// Main returns the listener of the streams that nobody expects, those of the
// plugin's main server; nil on a host. Closing it leaves the session open.
func (m *Mux) Main() net.Listener {
	if m.main == nil {
		return nil
	}
	return m.main
}

// Listen returns a listener of the streams for a service id. The caller closes
// it; an id can be listened on again then.
func (m *Mux) Listen(id uint32) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.session.IsClosed() {
		return nil, &Error{Reason: ReasonClosed, Err: net.ErrClosed}
	}
	if m.listeners[id] != nil {
		return nil, &Error{Reason: ReasonInUse, Found: serviceName(id)}
	}
	listener := newMuxListener(m, id)
	m.listeners[id] = listener
	return listener, nil
}

// Expect says that the next stream which the other side opens is for a service
// id. Without a listener for it the error has ReasonRefused, and ReasonInUse
// while thousands of streams that are expected have not come.
func (m *Mux) Expect(id uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners[id] == nil {
		return &Error{Reason: ReasonRefused, Found: serviceName(id)}
	}
	if len(m.expected) >= muxExpected {
		return &Error{Reason: ReasonInUse, Found: serviceName(id), Expected: "the streams that were asked for before"}
	}
	m.expected = append(m.expected, id)
	return nil
}

// Done is closed when the session has ended.
func (m *Mux) Done() <-chan struct{} { return m.session.CloseChan() }

// Close ends the session and with it all streams and listeners. It may be
// called more than once.
func (m *Mux) Close() error {
	err := m.session.Close()
	m.accepting.Wait()
	return err
}

// accept hands the other side's streams to whom they are for until the session
// ends.
func (m *Mux) accept() {
	for {
		stream, err := m.session.AcceptStream()
		if err != nil {
			break
		}
		if listener := m.next(); listener == nil || !listener.deliver(stream) {
			_ = stream.Close()
		}
	}
	m.mu.Lock()
	open := m.listeners
	m.listeners = make(map[uint32]*muxListener)
	m.mu.Unlock()
	for _, listener := range open {
		listener.end()
	}
	if m.main != nil {
		m.main.end()
	}
}

// next is whom the next stream is for.
func (m *Mux) next() *muxListener {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.expected) == 0 {
		return m.main
	}
	id := m.expected[0]
	m.expected = m.expected[1:]
	return m.listeners[id]
}

// serviceName is how errors call a service id.
func serviceName(id uint32) string { return "service id " + strconv.FormatUint(uint64(id), 10) }
