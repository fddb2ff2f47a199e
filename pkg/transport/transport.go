package transport

import (
	"context"
	"net"
	"sync"
	"time"
)

// DefaultDialTimeout bounds a Connect whose configuration names no time.
const DefaultDialTimeout = 5 * time.Second

// Transport makes listeners and connections on one network. [Unix] and [TCP]
// are the two. All methods may be called from any goroutine.
type Transport interface {
	// Network is [NetworkUnix] or [NetworkTCP].
	Network() string

	// Listen opens a new listener. ctx bounds the call, not the listener's
	// life: the caller closes the listener, or the transport.
	Listen(ctx context.Context) (*Listener, error)

	// Connect dials an endpoint of this network. ctx bounds the dial, not the
	// connection, which the caller closes.
	Connect(ctx context.Context, endpoint Endpoint) (net.Conn, error)

	// Close closes every listener this transport made and ends and awaits the
	// calls under way; they and all later ones fail with [ReasonClosed].
	// Connections handed out stay open. Only the first call returns an error.
	Close() error
}

var (
	_ Transport = (*Unix)(nil)
	_ Transport = (*TCP)(nil)
)

// registry is what one transport has open: its listeners and the calls under
// way. The zero value is ready.
type registry struct {
	mu        sync.Mutex
	closed    bool
	listeners map[*Listener]struct{}
	calls     map[int]context.CancelCauseFunc
	next      int
	pending   sync.WaitGroup
}

// begin enters a call. The context it gives ends with ctx and with the
// registry; end must be called once.
func (r *registry) begin(ctx context.Context) (_ context.Context, end func(), _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, &Error{Reason: ReasonClosed, Err: net.ErrClosed}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	id := r.next
	r.next++
	if r.calls == nil {
		r.calls = make(map[int]context.CancelCauseFunc)
	}
	r.calls[id] = cancel
	r.pending.Add(1)
	return ctx, func() {
		r.mu.Lock()
		delete(r.calls, id)
		r.mu.Unlock()
		cancel(nil)
		r.pending.Done()
	}, nil
}

// adopt takes a new listener in, or closes it if the registry is closed.
func (r *registry) adopt(l *Listener) (*Listener, error) {
	r.mu.Lock()
	if !r.closed {
		if r.listeners == nil {
			r.listeners = make(map[*Listener]struct{})
		}
		l.forget = r.forget
		r.listeners[l] = struct{}{}
		r.mu.Unlock()
		return l, nil
	}
	r.mu.Unlock()
	_ = l.Close()
	return nil, &Error{Reason: ReasonClosed, Found: l.endpoint.Address, Err: net.ErrClosed}
}

// forget drops a listener that was closed.
func (r *registry) forget(l *Listener) {
	r.mu.Lock()
	delete(r.listeners, l)
	r.mu.Unlock()
}

// isClosed reports whether close was called.
func (r *registry) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// close ends the calls, waits for them, and closes the listeners. The error is
// that of the first listener that failed to close.
func (r *registry) close() error {
	r.mu.Lock()
	r.closed = true
	open := make([]*Listener, 0, len(r.listeners))
	for l := range r.listeners {
		open = append(open, l)
	}
	for _, cancel := range r.calls {
		cancel(net.ErrClosed)
	}
	r.mu.Unlock()

	r.pending.Wait()
	var first error
	for _, l := range open {
		if err := l.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
