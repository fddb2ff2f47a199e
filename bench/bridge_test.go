package bench

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// The ways from a host to a child: straight, through a bridge, and through one
// that forwards whole messages at gRPC's level. They are roles of processes, too.
const (
	direct    = "direct"
	bridged   = "switch"
	forwarded = "forward"
)

const (
	hugeBytes   = 256 << 20
	streamed    = 64 << 20 // bytes that a stream brings
	streamBytes = 16 << 10 // in each of its messages
)

// playChild is a plain gRPC server of the echo, where a bridge wants one.
func playChild() error {
	listener, err := net.Listen("unix", os.Getenv(bridge.EnvChildSocket))
	if err != nil {
		return err
	}
	echoes := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
	testpb.RegisterEchoServer(echoes, &echo{})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		echoes.Stop()
	}()
	return echoes.Serve(listener)
}

// playBridge is a bridge with a child.
func playBridge() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	return bridge.Serve(context.Background(), bridge.Config{
		Command: []string{path}, Env: []string{roleVariable + "=" + direct}, Server: server.Config{Cookie: kv.Cookie()},
	})
}

// way is one of the ways to a child, open.
type way struct {
	conn *grpc.ClientConn
	echo testpb.EchoClient
	pid  int // of what is between; 0 if nothing is
	stop func()
}

// open starts a child, and what is between. The caller calls stop.
func open(b *testing.B, name string, protection client.TLS) *way {
	b.Helper()
	w := &way{}
	if name == direct {
		w.openDirect(b)
	} else {
		c, err := client.Start(b.Context(), client.Config{
			Command: []string{self(b)}, Cookie: kv.Cookie(), TLS: protection, Env: []string{roleVariable + "=" + name},
		})
		noError(b, err)
		w.conn, w.pid = c.Conn(), c.Pid()
		w.stop = func() { noError(b, c.Close(context.Background())) }
	}
	w.echo = testpb.NewEchoClient(w.conn)
	call(b, w.echo, &testpb.Message{}, grpc.WaitForReady(true))
	return w
}

func (w *way) openDirect(b *testing.B) {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "s")
	process := exec.Command(self(b))
	process.Env = append(os.Environ(), roleVariable+"="+direct, bridge.EnvChildSocket+"="+socket)
	noError(b, process.Start())
	var err error
	w.conn, err = grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	noError(b, err)
	w.stop = func() {
		_ = w.conn.Close()
		_ = process.Process.Kill()
		_ = process.Wait()
	}
}

// ways measures the open ways to a child without TLS, beside the direct one.
func ways(b *testing.B, unit string, measure func(*testing.B, *way) float64, names ...string) {
	b.Helper()
	contenders := make([]contender, 0, len(names))
	for _, name := range names {
		w := open(b, name, client.TLSOff)
		defer w.stop()
		measure(b, w) // it warms up
		contenders = append(contenders, contender{name, func() float64 { return measure(b, w) }})
	}
	compare(b, unit, contenders...)
}

// BenchmarkBridgeUnary is the median time of a small call.
func BenchmarkBridgeUnary(b *testing.B) {
	ways(b, "p50-µs", func(b *testing.B, w *way) float64 { return unary(b, w.echo) }, direct, bridged, forwarded)
}

// BenchmarkBridgeCallers is how many small calls a second many callers make.
func BenchmarkBridgeCallers(b *testing.B) {
	ways(b, "calls/s", func(b *testing.B, w *way) float64 {
		began := time.Now()
		return float64(crowd(b, w.echo)) / time.Since(began).Seconds()
	}, direct, bridged, forwarded)
}

// BenchmarkBridgeCPU is the processor time of what is between, for a small call.
func BenchmarkBridgeCPU(b *testing.B) {
	spent := func(calls func(*testing.B, *way) int) func(*testing.B, *way) float64 {
		return func(b *testing.B, w *way) float64 {
			before := processorTime(b, w.pid)
			n := calls(b, w)
			return 1000 * milliseconds(processorTime(b, w.pid)-before) / float64(n)
		}
	}
	b.Run("callers=1", func(b *testing.B) {
		ways(b, "µs", spent(func(b *testing.B, w *way) int {
			for range unaryCalls {
				call(b, w.echo, &testpb.Message{Payload: make([]byte, unaryBytes)})
			}
			return unaryCalls
		}), forwarded, bridged)
	})
	b.Run("callers=50", func(b *testing.B) {
		ways(b, "µs", spent(func(b *testing.B, w *way) int { return crowd(b, w.echo) }), forwarded, bridged)
	})
}

// BenchmarkBridgeLarge is the time of an echo of 4 MB.
func BenchmarkBridgeLarge(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, largeBytes)}
	ways(b, "ms", func(b *testing.B, w *way) float64 {
		began := time.Now()
		for range largeCalls {
			call(b, w.echo, message)
		}
		return milliseconds(time.Since(began)) / largeCalls
	}, direct, bridged, forwarded)
}

// BenchmarkBridgeStream is how much a stream of small messages brings.
func BenchmarkBridgeStream(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, streamBytes), Count: streamed / streamBytes}
	ways(b, "MB/s", func(b *testing.B, w *way) float64 {
		began := time.Now()
		stream, err := w.echo.Server(b.Context(), message)
		noError(b, err)
		for err == nil {
			_, err = stream.Recv()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		return streamed / 1e6 / time.Since(began).Seconds()
	}, direct, bridged, forwarded)
}

// BenchmarkBridgeHuge is by how much the memory of what is between grows, at
// most, while a message of 256 MB passes it both ways.
func BenchmarkBridgeHuge(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, hugeBytes)}
	grown := func(name string) contender {
		return contender{name, func() float64 {
			w := open(b, name, client.TLSOff)
			defer w.stop()
			crowd(b, w.echo)
			before := peakMemory(b, w.pid)
			if got := len(call(b, w.echo, message).GetPayload()); got != hugeBytes {
				b.Fatalf("%d bytes came back", got)
			}
			return float64(peakMemory(b, w.pid)-before) / 1e6
		}}
	}
	few(b, "MB", 2, grown(forwarded), grown(bridged))
}

// BenchmarkBridgeLine is from the start of a plugin to its handshake line, with
// AutoMTLS: of a bridge, which starts its child meanwhile, beside a plugin that
// go-plugin makes.
func BenchmarkBridgeLine(b *testing.B) {
	line := func(name, role string) contender {
		return contender{name, func() float64 {
			c, err := client.Start(b.Context(), client.Config{
				Command: []string{self(b)}, Cookie: kv.Cookie(), Env: []string{roleVariable + "=" + role},
			})
			noError(b, err)
			defer func() { noError(b, c.Close(context.Background())) }()
			phases := c.Phases()
			return milliseconds(phases.Process + phases.Line)
		}}
	}
	compare(b, "ms", line(theirs, theirs), line(bridged, bridged))
}
