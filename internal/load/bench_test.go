package load_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
)

// BenchmarkEngine holds the engine against tight loops by hand, on one server,
// with 50 callers, in turns: one as users of grpc-go write it, with messages, and
// a bare one that makes the engine's own calls.
func BenchmarkEngine(b *testing.B) {
	const callers, slice, rounds = 50, 300 * time.Millisecond, 20
	s := serve(b)
	// With a small heap the collector would run more often for the others than for
	// the engine with its histograms.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	// The same calls as the engine's, in a loop that counts and does nothing else.
	prepare := s.unary(b, 100)
	bare := func() float64 {
		var calling sync.WaitGroup
		var sum atomic.Int64
		began := time.Now()
		for i := range callers {
			call, err := prepare(context.Background(), i)
			noError(b, err)
			calling.Go(func() {
				n := int64(0)
				for ; time.Since(began) < slice; n++ {
					if err := call(context.Background()); err != nil {
						b.Error(err)
						return
					}
				}
				sum.Add(n)
			})
		}
		calling.Wait()
		return float64(sum.Load()) / time.Since(began).Seconds()
	}
	byHand := func() float64 {
		var calling sync.WaitGroup
		counts := make([]int, callers*16) // apart
		began := time.Now()
		for i := range callers {
			calling.Go(func() {
				request, answer := wrapperspb.Bytes(make([]byte, 100)), new(wrapperspb.BytesValue)
				for time.Since(began) < slice {
					if err := s.Invoke(context.Background(), echo.Unary, request, answer); err != nil {
						b.Error(err)
						return
					}
					counts[i*16]++
				}
			})
		}
		calling.Wait()
		sum := 0
		for _, n := range counts {
			sum += n
		}
		return float64(sum) / time.Since(began).Seconds()
	}
	engine := func() float64 {
		result, err := load.Run(context.Background(), load.Plan{Workers: callers, Duration: slice}, s.unary(b, 100))
		noError(b, err)
		return result.Rate()
	}
	contenders := []func() float64{byHand, bare, engine}
	values := make([][]float64, len(contenders))
	for _, measure := range contenders { // they warm up
		measure()
	}
	for b.Loop() {
		for round := range rounds {
			for turn := range contenders {
				i := (turn + round) % len(contenders)
				values[i] = append(values[i], contenders[i]())
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together: says nothing
	for i, name := range []string{"hand", "bare", "engine"} {
		b.ReportMetric(load.EstimateOf(values[i]).Median, name+"-calls/s")
	}
	for i, name := range []string{"to-hand", "to-bare"} {
		ratio := load.RatioOf(values[2], values[i])
		b.ReportMetric(ratio.Median, name+"-ratio")
		b.ReportMetric(ratio.Low, name+"-ratio-low")
		b.ReportMetric(ratio.High, name+"-ratio-high")
	}
}

// BenchmarkCost is what the engine adds to one call.
func BenchmarkCost(b *testing.B) {
	b.ReportAllocs()
	_, err := load.Run(context.Background(), load.Plan{Requests: uint64(b.N)}, func(context.Context, int) (load.Call, error) {
		return func(context.Context) error { return nil }, nil
	})
	noError(b, err)
}
