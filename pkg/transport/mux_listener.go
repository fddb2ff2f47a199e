package transport

import (
	"net"
	"sync"
	"time"
)

const (
	// muxBacklog is how many streams may wait to be accepted by one listener.
	muxBacklog = 64
	// muxPatience is how long a full listener holds up the whole session before
	// a stream is refused.
	muxPatience = time.Second
)

// muxListener is the net.Listener of one service id, or of the main server.
type muxListener struct {
	mux     *Mux
	id      uint32
	streams chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newMuxListener(m *Mux, id uint32) *muxListener {
	return &muxListener{mux: m, id: id, streams: make(chan net.Conn, muxBacklog), closed: make(chan struct{})}
}

// deliver reports whether the listener takes the stream.
func (l *muxListener) deliver(stream net.Conn) bool {
	select {
	case <-l.closed:
		return false
	default:
	}
	select {
	case l.streams <- stream:
		select {
		case <-l.closed: // since then, and end has perhaps not seen the stream
			l.drop()
		default:
		}
		return true
	case <-l.closed:
		return false
	case <-time.After(muxPatience): // its server does not accept
		return false
	}
}

// Accept returns the next stream.
func (l *muxListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case stream := <-l.streams:
		return stream, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr is that of the session.
func (l *muxListener) Addr() net.Addr { return l.mux.session.LocalAddr() }

// Close ends the listener; its streams go on.
func (l *muxListener) Close() error {
	l.mux.mu.Lock()
	if l.mux.listeners[l.id] == l {
		delete(l.mux.listeners, l.id)
	}
	l.mux.mu.Unlock()
	l.end()
	return nil
}

// end wakes who waits in Accept and closes the streams that nobody took.
func (l *muxListener) end() {
	l.once.Do(func() {
		close(l.closed)
		l.drop()
	})
}

// drop closes the streams that nobody took.
func (l *muxListener) drop() {
	for {
		select {
		case stream := <-l.streams:
			_ = stream.Close()
		default:
			return
		}
	}
}
