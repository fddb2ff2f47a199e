package transport

import (
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// both runs a test on a unix and a TCP transport.
func both(t *testing.T, test func(t *testing.T, transport Transport)) {
	t.Helper()
	t.Run("unix", func(t *testing.T) { test(t, NewUnix(UnixConfig{Dir: shortDir(t)})) })
	t.Run("tcp", func(t *testing.T) { test(t, NewTCP(TCPConfig{})) })
}

func TestCloseEndsWhatIsOpen(t *testing.T) {
	both(t, func(t *testing.T, transport Transport) {
		var listeners []*Listener
		for range 3 {
			l, err := transport.Listen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			listeners = append(listeners, l)
		}
		accepted := make(chan error, 1)
		go func() {
			_, err := listeners[0].Accept()
			accepted <- err
		}()
		if err := transport.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept ended with %v", err)
		}
		for _, l := range listeners {
			if transport.Network() == NetworkUnix && exists(t, filepath.Dir(l.Endpoint().Address)) {
				t.Errorf("%s is left", l.Endpoint())
			}
			if err := l.Close(); err != nil {
				t.Errorf("closing a closed listener: %v", err)
			}
		}
		_, err := transport.Listen(t.Context())
		wantReason(t, err, ReasonClosed)
		_, err = transport.Connect(t.Context(), listeners[0].Endpoint())
		if wantReason(t, err, ReasonClosed); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v does not unwrap to net.ErrClosed", err)
		}
		if err := transport.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestCloseLeavesConnections(t *testing.T) {
	both(t, func(t *testing.T, transport Transport) {
		l, err := transport.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := transport.Connect(t.Context(), l.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = peer.Close() }()
		if err := transport.Close(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Read(got); err != nil || got[0] != 'x' {
			t.Errorf("got %q, %v over a connection made before", got, err)
		}
	})
}

func TestClosedListenerIsForgotten(t *testing.T) {
	tcp := NewTCP(TCPConfig{})
	defer func() { _ = tcp.Close() }()
	l, err := tcp.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(tcp.open.listeners) != 1 {
		t.Fatalf("%d listeners are known, want 1", len(tcp.open.listeners))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(tcp.open.listeners) != 0 || len(tcp.open.calls) != 0 {
		t.Errorf("%d listeners and %d calls are still known", len(tcp.open.listeners), len(tcp.open.calls))
	}
}

// TestCloseAgainstListen has many starts run into a Close: each either got a
// listener, which is then closed, or ReasonClosed, and no file is left.
func TestCloseAgainstListen(t *testing.T) {
	base := shortDir(t)
	unix := NewUnix(UnixConfig{Dir: base})
	var group sync.WaitGroup
	started := make(chan struct{}, 64)
	for range 8 {
		group.Go(func() {
			for range 8 {
				l, err := unix.Listen(t.Context())
				started <- struct{}{}
				if err != nil {
					wantClosed(t, err)
					continue
				}
				_ = l.Close()
			}
		})
	}
	<-started
	if err := unix.Close(); err != nil {
		t.Error(err)
	}
	group.Wait()
	left, err := filepath.Glob(filepath.Join(base, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestAdoptAfterClose is the moment in which Close overtakes a Listen.
func TestAdoptAfterClose(t *testing.T) {
	unix := NewUnix(UnixConfig{Dir: shortDir(t)})
	l, err := unix.listenPrivately(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = unix.open.adopt(l)
	wantReason(t, err, ReasonClosed)
	if exists(t, filepath.Dir(l.Endpoint().Address)) {
		t.Errorf("%s is left", l.Endpoint())
	}
}

// wantClosed is wantReason for goroutines of their own.
func wantClosed(t *testing.T, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Reason != ReasonClosed {
		t.Errorf("got %v, want reason %q", err, ReasonClosed)
	}
}
