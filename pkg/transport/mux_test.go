package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// muxPair is a session over a pipe: the host's side and the plugin's.
func muxPair(t *testing.T) (host, plugin *transport.Mux) {
	t.Helper()
	near, far := net.Pipe()
	host, err := transport.HostMux(near)
	if err != nil {
		t.Fatal(err)
	}
	plugin, err = transport.PluginMux(far)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = host.Close()
		_ = plugin.Close()
	})
	return host, plugin
}

// passes checks that what is written on one end arrives at the other.
func passes(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	go func() { _, _ = io.WriteString(from, text) }()
	if err := to.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v, expected %q", got, err, text)
	}
}

func accepted(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func opened(t *testing.T, mux *transport.Mux) net.Conn {
	t.Helper()
	conn, err := mux.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestMuxStreamsGoToWhomTheyAreFor(t *testing.T) {
	host, plugin := muxPair(t)
	if host.Main() != nil {
		t.Error("a host has a main listener, expected none")
	}
	first := opened(t, host)
	passes(t, first, accepted(t, plugin.Main()), "for the main server")

	seven, err := plugin.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	eight, err := plugin.Listen(8)
	if err != nil {
		t.Fatal(err)
	}
	for _, expect := range []struct {
		id       uint32
		listener net.Listener
	}{{8, eight}, {7, seven}} {
		if err := plugin.Expect(expect.id); err != nil {
			t.Fatal(err)
		}
		conn := opened(t, host)
		passes(t, accepted(t, expect.listener), conn, "for a service")
	}
	passes(t, opened(t, host), accepted(t, plugin.Main()), "for the main server again")

	three, err := host.Listen(3) // the plugin dials the host
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Expect(3); err != nil {
		t.Fatal(err)
	}
	passes(t, opened(t, plugin), accepted(t, three), "for the host")
}

func TestMuxRefusals(t *testing.T) {
	host, plugin := muxPair(t)
	reason(t, plugin.Expect(7), transport.ReasonRefused)
	listener, err := plugin.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	_, err = plugin.Listen(7)
	reason(t, err, transport.ReasonInUse)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close is %v, expected net.ErrClosed", err)
	}
	reason(t, plugin.Expect(7), transport.ReasonRefused)
	again, err := plugin.Listen(7)
	if err != nil {
		t.Fatalf("an id that was closed cannot be listened on again: %v", err)
	}

	// A host expects nothing that it has not accepted: such a stream ends.
	stream := opened(t, plugin)
	if err := stream.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a stream that nobody expects reads %v, expected its end", err)
	}

	_ = host.Close()
	<-plugin.Done()
	if _, err := again.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after the session is %v, expected net.ErrClosed", err)
	}
	if _, err := plugin.Main().Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("main Accept after the session is %v, expected net.ErrClosed", err)
	}
	_, err = plugin.Open(t.Context())
	reason(t, err, transport.ReasonClosed)
	_, err = plugin.Listen(9)
	reason(t, err, transport.ReasonClosed)
}

func TestAcceptMux(t *testing.T) {
	unix := transport.NewUnix(transport.UnixConfig{Dir: t.TempDir()})
	defer unix.Close()
	listener, err := unix.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.AcceptMux(listener, time.Millisecond)
	reason(t, err, transport.ReasonTimeout)

	type result struct {
		mux *transport.Mux
		err error
	}
	came := make(chan result, 1)
	go func() {
		mux, err := transport.AcceptMux(listener, 10*time.Second)
		came <- result{mux, err}
	}()
	conn, err := transport.Connect(t.Context(), listener.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	host, err := transport.HostMux(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	got := <-came
	if got.err != nil {
		t.Fatal(got.err)
	}
	defer got.mux.Close()
	passes(t, opened(t, host), accepted(t, got.mux.Main()), "hello")

	go func() {
		mux, err := transport.AcceptMux(listener, time.Minute)
		came <- result{mux, err}
	}()
	_ = listener.Close()
	reason(t, (<-came).err, transport.ReasonClosed)
}

func TestMuxOpenHonoursItsContext(t *testing.T) {
	host, _ := muxPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := host.Open(ctx)
	reason(t, err, transport.ReasonCanceled)
}

func FuzzPluginMux(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0})
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := net.Pipe()
		mux, err := transport.PluginMux(far)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, near) }()
		_ = near.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = near.Write(data)
		_ = near.Close()
		<-mux.Done()
		if err := mux.Close(); err != nil {
			t.Error(err)
		}
	})
}

func reason(t *testing.T, err error, want transport.Reason) {
	t.Helper()
	var typed *transport.Error
	if !errors.As(err, &typed) || typed.Reason != want {
		t.Errorf("error is %v, expected reason %q", err, want)
	}
}
