package h2switch

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// frames makes the bytes of a conversation for the corpus.
func frames(write func(*http2.Framer, func(...string) []byte)) []byte {
	var b bytes.Buffer
	p := newRawPeer(nil, nil) // whose encoder is all that is used
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	_ = f.WriteSettings()
	write(f, func(fields ...string) []byte { return p.block(fields...) })
	return b.Bytes()
}

// FuzzHost has a host send anything after its preface.
func FuzzHost(f *testing.F) {
	f.Add(frames(func(w *http2.Framer, block func(...string) []byte) {
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(request(callPath)...), EndHeaders: true})
		_ = w.WriteData(1, false, make([]byte, 100))
		_ = w.WriteDataPadded(1, true, make([]byte, 100), make([]byte, 10))
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block(request(ownPath)...), EndHeaders: true, EndStream: true})
		_ = w.WriteRSTStream(3, 8)
		_ = w.WriteWindowUpdate(0, 1000)
		_ = w.WritePing(false, [8]byte{})
		_ = w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		_ = w.WriteGoAway(0, 0, nil)
		_ = w.WritePriority(5, http2.PriorityParam{})
	}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var input []byte
		input = append(append(input, http2.ClientPreface...), data...)
		exchange(t, input, []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, false)
	})
}

// FuzzChild has a child send anything to two calls.
func FuzzChild(f *testing.F) {
	f.Add(frames(func(w *http2.Framer, block func(...string) []byte) {
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200"), EndHeaders: true})
		_ = w.WriteData(1, false, make([]byte, 100))
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("grpc-status", "5"), EndHeaders: true, EndStream: true})
		_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block(":status", "200", "grpc-status", "5"), EndHeaders: true, EndStream: true})
		_ = w.WriteRSTStream(3, 8)
		_ = w.WriteWindowUpdate(0, 1000)
		_ = w.WriteWindowUpdate(1, 1000)
		_ = w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100_000}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		_ = w.WriteGoAway(1, 0, nil)
	}))
	host := frames(func(w *http2.Framer, block func(...string) []byte) {
		for id := uint32(1); id < 9; id += 2 {
			_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(request(callPath)...), EndHeaders: true, EndStream: id == 3})
			if id != 3 {
				_ = w.WriteData(id, false, make([]byte, 100))
			}
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		exchange(t, append([]byte(http2.ClientPreface), host...), data, true)
	})
}

// exchange has host and child say their words, and checks that Serve returns
// when the host has hung up, after the child if that is waited for.
func exchange(t *testing.T, host, child []byte, wait bool) {
	t.Helper()
	hostEnd, hostConn := net.Pipe()
	done := make(chan struct{})
	said := make(chan struct{}, 1)
	say := func(words []byte, then func(net.Conn)) func(context.Context) (net.Conn, error) {
		return func(context.Context) (net.Conn, error) {
			far, near := net.Pipe()
			go func() {
				go func() { _, _ = io.Copy(io.Discard, far) }()
				_, _ = far.Write(words)
				then(far)
			}()
			return near, nil
		}
	}
	go func() {
		defer close(done)
		_ = Serve(context.Background(), hostConn, Config{
			Local: say([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, func(net.Conn) {}),
			Child: say(child, func(c net.Conn) {
				_ = c.Close()
				select {
				case said <- struct{}{}:
				default:
				}
			}),
			IsLocal: isLocal,
		})
	}()
	go func() { _, _ = io.Copy(io.Discard, hostEnd) }()
	_, err := hostEnd.Write(host)
	if err == nil && wait {
		select {
		case <-said:
		case <-done:
		case <-time.After(patience):
			t.Fatal("the child is not heard")
		}
	}
	_ = hostEnd.Close()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Serve does not return")
	}
}
