package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// run is one run under way. Its moments are nanoseconds since it began.
type run struct {
	plan    Plan
	began   time.Time
	warmup  int64        // from here on it is measured
	end     int64        // from here on nothing is sent
	cut     atomic.Int64 // when it was ended before, else 0
	stopped atomic.Bool
	tickets atomic.Int64 // what is left of Plan.Requests
	gate    *gate        // nil in a closed loop
	workers []*worker

	neverSent  uint64 // written when all workers have ended, or under the gate's lock
	lost       worker // has their latencies
	firstError atomic.Pointer[error]
}

// Run loads as the plan says and returns what came of it. When ctx ends it stops
// at once; the Result is then of what was done until there, and Partial. The error
// is an *Error, and nothing was called then.
func Run(ctx context.Context, plan Plan, prepare Prepare) (*Result, error) {
	plan, err := plan.withDefaults()
	if err != nil {
		return nil, err
	}
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r := &run{plan: plan, warmup: plan.Warmup.Nanoseconds(), lost: worker{took: newHistogram(), live: newRecorder()}}
	r.end = r.warmup + plan.Duration.Nanoseconds()
	r.tickets.Store(int64(min(plan.Requests, 1<<62))) //nolint:gosec // bounded
	if plan.Open() {
		r.gate = &gate{run: r, schedule: newSchedule(plan)}
	}
	for i := range plan.Workers {
		call, err := prepare(calls, i)
		if err != nil {
			return nil, &Error{Reason: ReasonPrepare, Err: err}
		}
		r.workers = append(r.workers, &worker{run: r, call: call, took: newHistogram(), live: newRecorder()})
	}
	r.began = time.Now()
	ended := make(chan struct{})
	var working, watching sync.WaitGroup
	for _, w := range r.workers {
		working.Go(func() {
			if r.gate != nil {
				w.open(calls)
			} else {
				w.closed(calls)
			}
		})
	}
	samples := newSampler(r)
	watching.Go(func() { samples.run(ended) })
	partial := make(chan bool, 1)
	watching.Go(func() { partial <- r.bound(ctx, cancel, ended) })
	working.Wait()
	close(ended)
	watching.Wait()
	result := r.result(<-partial)
	result.Samples = samples.taken
	return result, nil
}

// bound ends the calls when their time is over, or with ctx; it reports whether
// that was before the plan's end.
func (r *run) bound(ctx context.Context, cancel context.CancelFunc, ended <-chan struct{}) bool {
	over := time.NewTimer(time.Duration(r.end-r.now()) + r.plan.Drain)
	defer over.Stop()
	select {
	case <-ended:
	case <-over.C:
		r.stopped.Store(true)
		cancel()
	case <-ctx.Done():
		r.cut.Store(r.now())
		r.stopped.Store(true)
		cancel()
		return true
	}
	return false
}

func (r *run) now() int64 { return int64(time.Since(r.began)) }

// goesOn reports whether a call may begin at a moment of a closed loop.
func (r *run) goesOn(at int64) bool { return at < r.end && !r.stopped.Load() }

// admit takes one of the requests that there may be.
func (r *run) admit() bool {
	return r.plan.Requests == 0 || r.tickets.Add(-1) >= 0
}

// missed counts a call that was due and is never sent.
func (r *run) missed(due, now int64) {
	if due >= r.warmup {
		r.neverSent++
		r.lost.record(now - due)
	}
}

// keep keeps the first error.
func (r *run) keep(err error) {
	if err != nil && r.firstError.Load() == nil && !errors.Is(err, context.Canceled) {
		r.firstError.CompareAndSwap(nil, &err)
	}
}
