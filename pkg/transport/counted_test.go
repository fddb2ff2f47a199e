package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
)

// ends are the two ends of a connection.
func ends(t testing.TB, transport Transport) (dialed, accepted net.Conn) {
	t.Helper()
	t.Cleanup(func() { _ = transport.Close() })
	listener, err := transport.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if dialed, err = transport.Connect(t.Context(), listener.Endpoint()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dialed.Close() })
	if accepted, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	return dialed, accepted
}

func TestCounterCountsAllConnections(t *testing.T) {
	var counter Counter
	for _, transport := range []Transport{NewUnix(UnixConfig{Dir: shortDir(t)}), NewTCP(TCPConfig{})} {
		dialed, accepted := ends(t, transport)
		counted := counter.Conn(dialed)
		if _, ok := counted.(syscall.Conn); !ok {
			t.Errorf("%s: the system's connection is hidden", transport.Network())
		}
		buffers := net.Buffers{[]byte("one"), []byte("two")}
		if _, err := buffers.WriteTo(counted); err != nil {
			t.Fatal(err)
		}
		heard := make([]byte, 6)
		if _, err := io.ReadFull(accepted, heard); err != nil || string(heard) != "onetwo" {
			t.Errorf("%s: the other side reads %q, %v", transport.Network(), heard, err)
		}
		if _, err := accepted.Write([]byte("back")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(counted, heard[:4]); err != nil || string(heard[:4]) != "back" {
			t.Errorf("%s: we read %q, %v", transport.Network(), heard[:4], err)
		}
	}
	if in, out := counter.Bytes(); in != 2*4 || out != 2*6 {
		t.Errorf("%d bytes in and %d out, expected 8 and 12", in, out)
	}
}

func TestCounterOfAConnectionThatIsNoneOfTheSystem(t *testing.T) {
	var counter Counter
	near, far := net.Pipe()
	defer far.Close()
	counted := counter.Conn(near)
	if _, ok := counted.(syscall.Conn); ok {
		t.Error("a pipe in memory became a connection of the system")
	}
	if err := counted.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the other side reads %v, expected the end", err)
	}
}

func TestCounterOfAListener(t *testing.T) {
	var counter Counter
	bare, err := NewTCP(TCPConfig{}).Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := bare.Endpoint()
	bare.Listener = counter.Listener(bare.Listener)
	dialed, err := Connect(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := bare.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if _, err := accepted.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if in, out := counter.Bytes(); in != 0 || out != 100 {
		t.Errorf("%d bytes in and %d out, expected 0 and 100", in, out)
	}
	if err := bare.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}

// BenchmarkCounted sends 64 bytes there and back; "bare" is without a Counter.
func BenchmarkCounted(b *testing.B) {
	for _, name := range []string{"bare", "counted"} {
		b.Run(name, func(b *testing.B) {
			near, far := ends(b, NewUnix(UnixConfig{Dir: shortDir(b)}))
			if name == "counted" {
				near = new(Counter).Conn(near)
			}
			var echoing sync.WaitGroup
			echoing.Go(func() {
				message := make([]byte, 64)
				for {
					if _, err := io.ReadFull(far, message); err != nil {
						return
					}
					if _, err := far.Write(message); err != nil {
						return
					}
				}
			})
			message := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := near.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(near, message); err != nil {
					b.Fatal(err)
				}
			}
			_ = near.Close()
			echoing.Wait()
		})
	}
}
