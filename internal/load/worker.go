package load

import (
	"context"
	"sync/atomic"

	"github.com/HdrHistogram/hdrhistogram-go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// otherCode stands for every code that gRPC does not define.
const otherCode = codes.Unauthenticated + 1

// worker makes calls one after the other and counts them. It is the only writer
// of its counters.
type worker struct {
	_    [64]byte // keeps workers off each other's cache lines
	run  *run
	call Call
	took *hdrhistogram.Histogram // read when the worker has ended
	live *recorder
	sum  int64 // of all latencies
	max  int64

	warm       atomic.Uint64 // sent before what is measured
	sent       atomic.Uint64
	answered   atomic.Uint64
	failed     [otherCode + 1]atomic.Uint64
	unfinished atomic.Uint64
	late       atomic.Uint64
	lastEnd    atomic.Int64
	_          [64]byte
}

// bump is an addition by the only writer.
func bump(counter *atomic.Uint64) { counter.Store(counter.Load() + 1) }

// closed calls as soon as the call before has ended.
func (w *worker) closed(ctx context.Context) {
	began := w.run.now()
	for w.run.goesOn(began) {
		if began >= w.run.warmup && !w.run.admit() {
			return
		}
		began = w.one(ctx, began)
	}
}

// open calls whenever a call is due.
func (w *worker) open(ctx context.Context) {
	for {
		due, ok := w.run.gate.next()
		if !ok {
			return
		}
		if w.run.now()-due > lateAfter && due >= w.run.warmup {
			bump(&w.late)
		}
		w.one(ctx, due)
	}
}

// one makes one call that began, or was due, at a moment, and returns the moment
// of its end.
func (w *worker) one(ctx context.Context, began int64) int64 {
	measured := began >= w.run.warmup
	if measured {
		bump(&w.sent)
	} else {
		bump(&w.warm)
	}
	err := w.call(ctx)
	ended := w.run.now()
	if !measured {
		if err != nil {
			w.run.keep(err)
		}
		return ended
	}
	switch {
	case err == nil:
		w.record(ended - began)
		bump(&w.answered)
	case ctx.Err() != nil:
		w.record(ended - began)
		bump(&w.unfinished)
	default:
		w.fail(err)
	}
	w.lastEnd.Store(ended)
	return ended
}

// record counts a latency.
func (w *worker) record(took int64) {
	count(w.took, took)
	w.live.record(took)
	w.sum += took
	w.max = max(w.max, took)
}

func (w *worker) fail(err error) {
	w.run.keep(err)
	bump(&w.failed[min(status.Code(err), otherCode)])
}
