package h2switch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// The same calls to the same child, a process of its own: straight, through a
// switch, and through a forwarder at gRPC's level, each a process, too. All are
// measured round by round.
const (
	rounds     = 12
	unaryCalls = 300
	callers    = 50
	callsEach  = 40
	largeBytes = 4_000_000
	largeCalls = 3
	streamMsgs = 2000
)

// way is one way to the child.
type way struct {
	name string
	echo testpb.EchoClient
	cmd  *exec.Cmd
}

func ways(b *testing.B) []way {
	b.Helper()
	dir := shortTemp(b)
	child := filepath.Join(dir, "child")
	all := []way{
		{name: "direct", cmd: begin(b, "child", child, "")},
		{name: "switch", cmd: begin(b, "switch", filepath.Join(dir, "switch"), child)},
		{name: "forward", cmd: begin(b, "forward", filepath.Join(dir, "forward"), child)},
	}
	for i, at := range []string{"child", "switch", "forward"} {
		conn, err := knock(b.Context(), filepath.Join(dir, at))
		noError(b, err)
		_ = conn.Close()
		all[i].echo = testpb.NewEchoClient(dial(b, filepath.Join(dir, at)))
		for range 200 {
			_, err := all[i].echo.Unary(b.Context(), &testpb.Message{}, grpc.WaitForReady(true))
			noError(b, err)
		}
	}
	return all
}

func begin(b testing.TB, role, at, child string) *exec.Cmd {
	b.Helper()
	path, err := os.Executable()
	noError(b, err)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), roleKey+"="+role, listenKey+"="+at, childKey+"="+child)
	cmd.Stderr = os.Stderr
	noError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return cmd
}

// profile writes a profile of this process until it is interrupted.
func profile(at string) {
	file, err := os.Create(at)
	if err != nil {
		return
	}
	_ = pprof.StartCPUProfile(file)
	go func() {
		time.Sleep(20 * time.Second)
		pprof.StopCPUProfile()
		_ = file.Close()
	}()
}

// compare reports the median of each way's figures, and of their ratios to the
// first way's.
func compare(b *testing.B, unit string, measure func(*testing.B, *way) float64) {
	b.Helper()
	all := ways(b)
	values := make([][]float64, len(all))
	for b.Loop() {
		for round := range rounds {
			for turn := range all {
				i := (turn + round) % len(all)
				values[i] = append(values[i], measure(b, &all[i]))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, w := range all {
		b.ReportMetric(median(values[i]), w.name+"-"+unit)
		if i == 0 {
			continue
		}
		ratios := make([]float64, len(values[i]))
		for round := range ratios {
			ratios[round] = values[i][round] / values[0][round]
		}
		b.ReportMetric(median(ratios), w.name+"-ratio")
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func BenchmarkUnary(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, 100)}
	compare(b, "p50-µs", func(b *testing.B, w *way) float64 {
		took := make([]time.Duration, unaryCalls)
		for i := range took {
			began := time.Now()
			_, err := w.echo.Unary(b.Context(), message)
			noError(b, err)
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		return float64(took[len(took)/2]) / 1e3
	})
}

func BenchmarkCallers(b *testing.B) {
	compare(b, "calls/s", func(b *testing.B, w *way) float64 {
		began := time.Now()
		crowd(b, w, callsEach)
		return callers * callsEach / time.Since(began).Seconds()
	})
}

func crowd(b *testing.B, w *way, each int) {
	b.Helper()
	message := &testpb.Message{Payload: make([]byte, 100)}
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for range each {
				if _, err := w.echo.Unary(b.Context(), message); err != nil {
					b.Error(err)
				}
			}
		})
	}
	calling.Wait()
}

func BenchmarkLarge(b *testing.B) {
	message := &testpb.Message{Payload: make([]byte, largeBytes)}
	compare(b, "ms", func(b *testing.B, w *way) float64 {
		began := time.Now()
		for range largeCalls {
			_, err := w.echo.Unary(b.Context(), message)
			noError(b, err)
		}
		return float64(time.Since(began)) / 1e6 / largeCalls
	})
}

func BenchmarkServerStream(b *testing.B) {
	compare(b, "msgs/s", func(b *testing.B, w *way) float64 {
		began := time.Now()
		stream, err := w.echo.Server(b.Context(), &testpb.Message{Payload: make([]byte, 1000), Count: streamMsgs})
		for err == nil {
			_, err = stream.Recv()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		return streamMsgs / time.Since(began).Seconds()
	})
}

// BenchmarkCPU is what one call costs the process in the middle. It needs
// /proc.
func BenchmarkCPU(b *testing.B) {
	for _, crowded := range []bool{false, true} {
		b.Run(fmt.Sprintf("crowd=%v", crowded), func(b *testing.B) {
			all := ways(b)
			message := &testpb.Message{Payload: make([]byte, 100)}
			const calls = 5000
			for b.Loop() {
				for i := range all {
					before := cpu(b, all[i].cmd.Process.Pid)
					if crowded {
						crowd(b, &all[i], calls/callers)
					} else {
						for range calls {
							_, err := all[i].echo.Unary(b.Context(), message)
							noError(b, err)
						}
					}
					spent := cpu(b, all[i].cmd.Process.Pid) - before
					b.ReportMetric(float64(spent.Microseconds())/calls, all[i].name+"-µs/call")
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// forwarding is a server that passes calls on at gRPC's level, message by
// message: what a switch is held against.
func forwarding(child string) *grpc.Server {
	conn, err := grpc.NewClient("unix:"+child, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		return grpc.NewServer()
	}
	return grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(func(_ any, host grpc.ServerStream) error {
			method, _ := grpc.MethodFromServerStream(host)
			incoming, _ := metadata.FromIncomingContext(host.Context())
			passed := incoming.Copy()
			for _, own := range []string{":authority", "content-type", "user-agent", "grpc-accept-encoding"} {
				passed.Delete(own)
			}
			ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(host.Context(), passed))
			defer cancel()
			stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
				grpc.ForceCodecV2(rawCodec{}))
			if err != nil {
				return err
			}
			go func() {
				if pump(host, stream) == nil {
					_ = stream.CloseSend()
				} else {
					cancel()
				}
			}()
			header, err := stream.Header()
			if err == nil && len(header) > 0 {
				_ = host.SendHeader(header)
			}
			err = pump(stream, host)
			host.SetTrailer(stream.Trailer())
			return err
		}))
}

func pump(from interface{ RecvMsg(any) error }, to interface{ SendMsg(any) error }) error {
	for {
		var message rawMessage
		if err := from.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			return err
		}
	}
}

type rawMessage struct{ data mem.BufferSlice }

type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*rawMessage); ok {
		return m.data, nil
	}
	return encoding.GetCodecV2("proto").Marshal(v)
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(*rawMessage); ok {
		data.Ref()
		m.data = data
		return nil
	}
	return encoding.GetCodecV2("proto").Unmarshal(data, v)
}
