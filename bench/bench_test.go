package bench

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// How much is done in one measurement.
const (
	unaryBytes  = 100
	unaryCalls  = 300
	callers     = 50
	callsEach   = 40
	largeBytes  = 4_000_000
	largeCalls  = 3
	opens       = 4
	stdioTotal  = 16 << 20
	stdioWindow = 768 << 10
	stdioStep   = 128 << 10
)

// call is one unary call.
func call(b *testing.B, echo testpb.EchoClient, message *testpb.Message, opts ...grpc.CallOption) *testpb.Message {
	b.Helper()
	answer, err := echo.Unary(b.Context(), message, opts...)
	noError(b, err)
	return answer
}

// BenchmarkStart is from nothing to the first answer. The first name is the
// host's make, the second the plugin's.
func BenchmarkStart(b *testing.B) {
	start := func(hostMake, pluginMake string) func() float64 {
		return func() float64 {
			began := time.Now()
			h := begin(b, hostMake, pluginMake)
			call(b, h.echo, &testpb.Message{})
			took := time.Since(began)
			h.stop()
			return milliseconds(took)
		}
	}
	compare(b, "ms",
		contender{theirs, start(theirs, theirs)},
		contender{"go-plugin/ours", start(theirs, ours)},
		contender{"ours/go-plugin", start(ours, theirs)},
		contender{ours, start(ours, ours)})
}

// BenchmarkStop is from the call to the end of the process.
func BenchmarkStop(b *testing.B) {
	stop := func(name string) func() float64 {
		return func() float64 {
			h := begin(b, name, name)
			call(b, h.echo, &testpb.Message{})
			began := time.Now()
			h.stop()
			return milliseconds(time.Since(began))
		}
	}
	compare(b, "ms", contender{theirs, stop(theirs)}, contender{ours, stop(ours)})
}

// BenchmarkUnary is the median time of a small call.
func BenchmarkUnary(b *testing.B) {
	both(b, "p50-µs", func(b *testing.B, h *host) float64 { return unary(b, h.echo) })
}

// unary is the median time of small calls, one after the other, in µs.
func unary(b *testing.B, echo testpb.EchoClient) float64 {
	b.Helper()
	message := &testpb.Message{Payload: make([]byte, unaryBytes)}
	took := make([]time.Duration, unaryCalls)
	for i := range took {
		began := time.Now()
		call(b, echo, message)
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return 1000 * milliseconds(took[len(took)/2])
}

// BenchmarkCallers is how many small calls a second many callers make.
func BenchmarkCallers(b *testing.B) {
	both(b, "calls/s", func(b *testing.B, h *host) float64 {
		began := time.Now()
		return float64(crowd(b, h.echo)) / time.Since(began).Seconds()
	})
}

// crowd has all callers make their calls, and returns how many there were.
func crowd(b *testing.B, echo testpb.EchoClient) int {
	b.Helper()
	message := &testpb.Message{Payload: make([]byte, unaryBytes)}
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for range callsEach {
				if _, err := echo.Unary(b.Context(), message); err != nil {
					b.Error(err)
				}
			}
		})
	}
	calling.Wait()
	return callers * callsEach
}

// BenchmarkLarge is the time of an echo of 4 MB.
func BenchmarkLarge(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, largeBytes)}
	both(b, "ms", func(b *testing.B, h *host) float64 {
		began := time.Now()
		for range largeCalls {
			call(b, h.echo, message)
		}
		return milliseconds(time.Since(began)) / largeCalls
	})
}

// BenchmarkBroker is from the plugin's offer of a service, through its own
// connection, to the first answer.
func BenchmarkBroker(b *testing.B) {
	both(b, "ms", func(b *testing.B, h *host) float64 {
		began := time.Now()
		for range opens {
			id := call(b, h.echo, &testpb.Message{Payload: []byte("serve")}).GetCount()
			conn, err := h.dial(uint32(id))
			noError(b, err)
			call(b, testpb.NewEchoClient(conn), &testpb.Message{}, grpc.WaitForReady(true))
			noError(b, conn.Close())
		}
		return milliseconds(time.Since(began)) / opens
	})
}

// BenchmarkStdio is how much of what a plugin prints arrives, by the length of
// its writes.
func BenchmarkStdio(b *testing.B) {
	for _, writes := range []struct {
		name string
		size int
	}{{"lines=128", 128}, {"chunks=64KiB", 64 << 10}} {
		b.Run(writes.name, func(b *testing.B) {
			both(b, "MB/s", func(b *testing.B, h *host) float64 {
				began := time.Now()
				stdio(b, h, writes.size)
				return stdioTotal / 1e6 / time.Since(began).Seconds()
			})
		})
	}
}

// stdio has the plugin print stdioTotal bytes and receives them.
func stdio(b *testing.B, h *host, size int) {
	b.Helper()
	stream, err := h.echo.Bidi(b.Context())
	noError(b, err)
	noError(b, stream.Send(&testpb.Message{Payload: make([]byte, size), Count: int32(stdioTotal / size)}))
	for range stdioTotal / stdioStep {
		select {
		case <-h.stdout.steps:
		case <-time.After(time.Minute):
			b.Fatalf("stdio stopped after %d bytes", h.stdout.bytes.Load())
		}
		if err := stream.Send(&testpb.Message{}); err != nil && !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
	noError(b, stream.CloseSend())
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
}

// BenchmarkStdioBare holds our stdio against what gRPC itself carries in
// messages of its size, on the same connection.
func BenchmarkStdioBare(b *testing.B) {
	h := begin(b, ours, ours)
	defer h.stop()
	bare := func() float64 {
		began := time.Now()
		stream, err := h.echo.Server(b.Context(), &testpb.Message{Payload: make([]byte, 64<<10), Count: stdioTotal >> 16})
		noError(b, err)
		for err == nil {
			_, err = stream.Recv()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		return stdioTotal / 1e6 / time.Since(began).Seconds()
	}
	printed := func() float64 {
		began := time.Now()
		stdio(b, h, 64<<10)
		return stdioTotal / 1e6 / time.Since(began).Seconds()
	}
	bare()
	printed()
	compare(b, "MB/s", contender{"bare", bare}, contender{ours, printed})
}

// BenchmarkMemory is what a plugin holds when it has just started, and after
// small and large calls.
func BenchmarkMemory(b *testing.B) {
	memory := func(name string, load func(*host)) contender {
		return contender{name, func() float64 {
			h := begin(b, name, name)
			defer h.stop()
			load(h)
			kib := call(b, h.echo, &testpb.Message{Payload: []byte("memory")}).GetCount()
			if kib == 0 {
				b.Skip("this system does not tell")
			}
			return float64(kib) * 1024 / 1e6
		}}
	}
	message := &testpb.Message{Payload: make([]byte, largeBytes)}
	for _, state := range []struct {
		name string
		load func(*host)
	}{
		{"fresh", func(*host) {}},
		{"loaded", func(h *host) {
			crowd(b, h.echo)
			for range largeCalls {
				call(b, h.echo, message)
			}
		}},
	} {
		b.Run(state.name, func(b *testing.B) { compare(b, "MB", memory(theirs, state.load), memory(ours, state.load)) })
	}
}
