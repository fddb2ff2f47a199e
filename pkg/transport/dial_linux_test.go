package transport

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// fullSocket is a listening socket whose queue is full. accept takes one
// connection out of it.
func fullSocket(t *testing.T) (endpoint Endpoint, accept func()) {
	t.Helper()
	path := filepath.Join(shortDir(t), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if isBusy(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	return Endpoint{NetworkUnix, path}, func() {
		accepted, _, err := syscall.Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(accepted) })
	}
}

// dialing starts a Connect and waits until it is under way.
func dialing(ctx context.Context, t *testing.T, unix *Unix, endpoint Endpoint) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		conn, err := unix.Connect(ctx, endpoint)
		if err == nil {
			_ = conn.Close()
		}
		done <- err
	}()
	eventually(t, "a dial under way", func() bool {
		unix.open.mu.Lock()
		defer unix.open.mu.Unlock()
		return len(unix.open.calls) == 1
	})
	return done
}

func TestConnectWaitsForAFullQueue(t *testing.T) {
	endpoint, accept := fullSocket(t)
	unix := NewUnix(UnixConfig{})
	defer func() { _ = unix.Close() }()
	done := dialing(t.Context(), t, unix, endpoint)
	accept()
	if err := <-done; err != nil {
		t.Errorf("no connection after there was room: %v", err)
	}
}

func TestConnectTimesOut(t *testing.T) {
	endpoint, _ := fullSocket(t)
	unix := NewUnix(UnixConfig{DialTimeout: 20 * time.Millisecond})
	defer func() { _ = unix.Close() }()
	_, err := unix.Connect(t.Context(), endpoint)
	e := wantReason(t, err, ReasonTimeout)
	if !errors.Is(err, context.DeadlineExceeded) || e.Expected != "an answer within 20ms" {
		t.Errorf("got %v", e)
	}

	short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	_, err = NewUnix(UnixConfig{}).Connect(short, endpoint)
	if e := wantReason(t, err, ReasonTimeout); e.Expected != "" {
		t.Errorf("the caller's deadline is given as ours: %v", e)
	}
}

func TestConnectIsCanceled(t *testing.T) {
	endpoint, _ := fullSocket(t)
	unix := NewUnix(UnixConfig{})
	defer func() { _ = unix.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	done := dialing(ctx, t, unix, endpoint)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsADial(t *testing.T) {
	endpoint, _ := fullSocket(t)
	unix := NewUnix(UnixConfig{})
	done := dialing(t.Context(), t, unix, endpoint)
	if err := unix.Close(); err != nil {
		t.Fatal(err)
	}
	if len(unix.open.calls) != 0 {
		t.Error("Close did not await the dial")
	}
	wantClosed(t, <-done)
}

// TestSocketIsNeverOpen looks at a socket as it is bound: even for a moment
// nobody but its owner may connect.
func TestSocketIsNeverOpen(t *testing.T) {
	c := startRole(t, "bind", filepath.Join(shortDir(t), "s"))
	c.finish(t)
	if c.words[0] != "0600" {
		t.Errorf("bound with access %s, want 0600", c.words[0])
	}
}

func TestListenSeesAFullQueueAsLive(t *testing.T) {
	endpoint, _ := fullSocket(t)
	_, err := NewUnix(UnixConfig{Path: endpoint.Address}).Listen(t.Context())
	wantReason(t, err, ReasonInUse)
	if !exists(t, endpoint.Address) {
		t.Error("the socket of a busy listener was removed")
	}
}
