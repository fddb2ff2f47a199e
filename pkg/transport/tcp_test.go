package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// exchange sends a word from a new connection to the listener and back.
func exchange(t testing.TB, transport Transport, l *Listener) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.Copy(conn, io.LimitReader(conn, 5))
			err = errors.Join(err, conn.Close())
		}
		done <- err
	}()
	conn, err := transport.Connect(context.Background(), l.Endpoint())
	if err != nil {
		_ = l.Listener.Close()
		<-done
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTCPExchange(t *testing.T) {
	tests := []struct {
		name, host, prefix string
	}{
		{"default is loopback", "", "127.0.0.1:"},
		{"name", "localhost", "127.0.0.1:"},
		{"IPv6", "::1", "[::1]:"},
		{"all interfaces when asked for", "0.0.0.0", "0.0.0.0:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tcp := NewTCP(TCPConfig{Host: tt.host})
			defer func() { _ = tcp.Close() }()
			l, err := tcp.Listen(t.Context())
			if err != nil && tt.host == "::1" {
				t.Skipf("no IPv6 here: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			got := l.Endpoint()
			if got.Network != NetworkTCP || !strings.HasPrefix(got.Address, tt.prefix) || strings.HasSuffix(got.Address, ":0") {
				t.Errorf("endpoint %+v, want %s with a port", got, tt.prefix)
			}
			exchange(t, tcp, l)
			if err := l.Unlink(); err != nil {
				t.Errorf("Unlink does nothing on tcp, and failed: %v", err)
			}
			exchange(t, tcp, l)
		})
	}
}

// takePorts holds n consecutive free ports and gives the first.
func takePorts(t *testing.T, n int) (first int, held []net.Listener) {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held = []net.Listener{l}
		first = l.Addr().(*net.TCPAddr).Port
		for port := first + 1; len(held) < n; port++ {
			next, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				break
			}
			held = append(held, next)
		}
		if len(held) == n {
			t.Cleanup(func() {
				for _, l := range held {
					_ = l.Close()
				}
			})
			return first, held
		}
		for _, l := range held {
			_ = l.Close()
		}
	}
	t.Skip("no free range of ports")
	return 0, nil
}

func TestTCPScansUpwards(t *testing.T) {
	first, held := takePorts(t, 4)
	_ = held[2].Close()
	_ = held[3].Close()
	tcp := NewTCP(TCPConfig{MinPort: first, MaxPort: first + 3})
	defer func() { _ = tcp.Close() }()
	for i := 2; i < 4; i++ {
		l, err := tcp.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("127.0.0.1:%d", first+i); l.Endpoint().Address != want {
			t.Errorf("listens at %s, want the lowest free port, %s", l.Endpoint(), want)
		}
	}
	_, err := tcp.Listen(t.Context())
	e := wantReason(t, err, ReasonNoPort)
	if want := fmt.Sprintf("%d-%d", first, first+3); e.Found != want {
		t.Errorf("found %q, want the range %q", e.Found, want)
	}
	if !isInUse(err) {
		t.Errorf("the last refusal is lost: %v", err)
	}
}

func TestTCPConfigPorts(t *testing.T) {
	tests := []struct {
		min, max, first, last int // first -1: refused
	}{
		{0, 0, 0, 0},
		{10000, 25000, 10000, 25000},
		{7, 7, 7, 7},
		{0, 2000, 1024, 2000},
		{0, 80, 80, 80},
		{1, 65535, 1, 65535},
		{2, 1, -1, 0},
		{5, 0, -1, 0},
		{-1, 5, -1, 0},
		{1, 65536, -1, 0},
	}
	for _, tt := range tests {
		first, last, err := TCPConfig{MinPort: tt.min, MaxPort: tt.max}.ports()
		if tt.first < 0 {
			wantReason(t, err, ReasonAddress)
		} else if err != nil || first != tt.first || last != tt.last {
			t.Errorf("%d-%d: got %d-%d, %v; want %d-%d", tt.min, tt.max, first, last, err, tt.first, tt.last)
		}
	}
}

func TestTCPRefusesHosts(t *testing.T) {
	for _, host := range []string{"[::1]", "a b", "h:1", "192.0.2.1"} { // the last is nobody's
		t.Run(host, func(t *testing.T) {
			tcp := NewTCP(TCPConfig{Host: host})
			defer func() { _ = tcp.Close() }()
			_, err := tcp.Listen(t.Context())
			wantReason(t, err, ReasonAddress)
		})
	}
}

func TestChooseAddress(t *testing.T) {
	tests := []struct {
		host, found, want string // want empty: refused
	}{
		{"localhost", "::1 127.0.0.1", "127.0.0.1"},
		{"localhost", "::1", "::1"},
		{"localhost", "::ffff:127.0.0.1", "127.0.0.1"},
		{"localhost", "203.0.113.9", ""},
		{"box", "203.0.113.9 127.0.1.1", "127.0.1.1"},
		{"box", "203.0.113.9 203.0.113.10", "203.0.113.9"},
		{"box", "", ""},
	}
	for _, tt := range tests {
		var found []netip.Addr
		for address := range strings.FieldsSeq(tt.found) {
			found = append(found, netip.MustParseAddr(address))
		}
		got, err := chooseAddress(tt.host, found)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s (%s): got %q, %v; want %q", tt.host, tt.found, got, err, tt.want)
		}
	}
}

func TestTCPConnectErrors(t *testing.T) {
	first, held := takePorts(t, 1)
	_ = held[0].Close()
	tcp := NewTCP(TCPConfig{})
	defer func() { _ = tcp.Close() }()

	_, err := tcp.Connect(t.Context(), Endpoint{NetworkTCP, fmt.Sprintf("127.0.0.1:%d", first)})
	wantReason(t, err, ReasonRefused)
	_, err = tcp.Connect(t.Context(), Endpoint{NetworkUnix, "/a"})
	wantReason(t, err, ReasonAddress)
	_, err = tcp.Connect(t.Context(), Endpoint{NetworkTCP, "127.0.0.1"})
	wantReason(t, err, ReasonAddress)
}

func TestTCPContext(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	tcp := NewTCP(TCPConfig{})
	defer func() { _ = tcp.Close() }()
	for _, tt := range []struct {
		ctx    context.Context
		reason Reason
		cause  error
	}{{canceled, ReasonCanceled, context.Canceled}, {expired, ReasonTimeout, context.DeadlineExceeded}} {
		_, err := tcp.Listen(tt.ctx)
		wantReason(t, err, tt.reason)
		_, err = tcp.Connect(tt.ctx, Endpoint{NetworkTCP, "127.0.0.1:1"})
		wantReason(t, err, tt.reason)
		if !errors.Is(err, tt.cause) {
			t.Errorf("%v does not unwrap to %v", err, tt.cause)
		}
	}
}
