package load_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/load"
)

// A server that stalls for a tenth of each second, under calls that are due every
// millisecond: those due in a stall wait for what is left of it, evenly from
// 100 ms down to 0. So one call in ten waits, and the p99 over all is what 9 in
// 10 of those wait at most: 90 ms. A closed loop of one caller sees one call in
// each stall, and its p99 nothing at all.
func TestStallIsSeen(t *testing.T) {
	s := serve(t)
	s.every(t, time.Second, 100*time.Millisecond)
	const seconds = 4
	open, err := load.Run(t.Context(), load.Plan{
		Stages:  []load.Stage{{From: 1000, To: 1000, Duration: seconds * time.Second}},
		Arrival: load.ArrivalConstant, Interval: 50 * time.Millisecond,
	}, s.unary(t, 100))
	noError(t, err)
	account(t, s, open)
	// What is lost to the scheduler of a busy machine comes on top; a stall at the
	// very end may be missing.
	if p99 := open.Quantile(0.99); p99 < 80*time.Millisecond {
		t.Errorf("p99 is %s, expected \"90ms\"", p99)
	} else {
		t.Logf("open loop: p50 %s, p90 %s, p99 %s (arithmetic: 90ms), max %s (arithmetic: 100ms), late %d", open.Quantile(0.5), open.Quantile(0.9), p99, open.Max, open.Late)
	}
	if open.Due() != seconds*1000 {
		t.Errorf("%d calls were due, expected \"%d\"", open.Due(), seconds*1000)
	}
	before := s.got.Load()
	closed, err := load.Run(t.Context(), load.Plan{Duration: 3 * time.Second}, s.unary(t, 100))
	noError(t, err)
	if s.got.Load()-before != closed.Sent {
		t.Errorf("the server got %d calls, %d were sent", s.got.Load()-before, closed.Sent)
	}
	t.Logf("closed loop: p50 %s, p99 %s, max %s", closed.Quantile(0.5), closed.Quantile(0.99), closed.Max)
	if closed.Max < 50*time.Millisecond {
		t.Errorf("the slowest call took %s, expected most of a stall", closed.Max)
	}
}

// account checks that every call is accounted for, also by the server.
func account(t *testing.T, s *stallServer, r *load.Result) {
	t.Helper()
	if r.Sent != r.Answered+r.Failed+r.Unfinished {
		t.Errorf("%d sent, but %d answered, %d failed, %d unfinished", r.Sent, r.Answered, r.Failed, r.Unfinished)
	}
	if got := s.got.Load(); r.Unfinished == 0 && got != r.WarmUp+r.Sent {
		t.Errorf("the server got %d calls, expected %d of the warm-up and %d", got, r.WarmUp, r.Sent)
	}
	if n := uint64(r.Latency.TotalCount()); n != r.Answered+r.Unfinished+r.NeverSent {
		t.Errorf("%d latencies, expected those of %d answered, %d unfinished, %d never sent", n, r.Answered, r.Unfinished, r.NeverSent)
	}
}

func TestAccounts(t *testing.T) {
	stage := func(from, to float64) []load.Stage {
		return []load.Stage{{From: from, To: to, Duration: 300 * time.Millisecond}}
	}
	for _, tc := range []struct {
		name string
		plan load.Plan
		sent uint64 // 0: any
	}{
		{"closed", load.Plan{Workers: 8, Warmup: 50 * time.Millisecond, Duration: 200 * time.Millisecond}, 0},
		{"requests", load.Plan{Workers: 8, Warmup: 20 * time.Millisecond, Requests: 777}, 777},
		{"constant", load.Plan{Stages: stage(500, 500), Arrival: load.ArrivalConstant}, 150},
		{"poisson", load.Plan{Stages: stage(2000, 2000), Warmup: 50 * time.Millisecond, Seed: 7}, 0},
		{"ramp", load.Plan{Stages: stage(0, 1000), Arrival: load.ArrivalConstant}, 150},
		{"open requests", load.Plan{Stages: stage(2000, 2000), Requests: 55}, 55},
		{"too few workers", load.Plan{Stages: stage(20000, 20000), Workers: 1}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t)
			r, err := load.Run(t.Context(), tc.plan, s.unary(t, 100))
			noError(t, err)
			account(t, s, r)
			if r.Due() == 0 || r.Failed > 0 || r.Partial {
				t.Errorf("%d calls, %d failed, partial %t: %v", r.Due(), r.Failed, r.Partial, r.FirstError)
			}
			if tc.sent != 0 && r.Due() != tc.sent {
				t.Errorf("%d calls, expected \"%d\"", r.Due(), tc.sent)
			}
			if tc.plan.Open() != r.Open {
				t.Errorf("open %t, expected %t", r.Open, tc.plan.Open())
			}
		})
	}
}

// What is due while nobody is free, and what hangs, is in the distribution.
func TestHangIsSeen(t *testing.T) {
	plan := load.Plan{
		Workers: 4, Arrival: load.ArrivalConstant, Drain: 50 * time.Millisecond,
		Stages: []load.Stage{{From: 1000, To: 1000, Duration: 500 * time.Millisecond}},
	}
	r, err := load.Run(t.Context(), plan, func(context.Context, int) (load.Call, error) {
		return func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, nil
	})
	noError(t, err)
	if r.Sent != 4 || r.Unfinished != 4 || r.NeverSent != 496 || r.KeptUp() || r.Answered+r.Failed != 0 {
		t.Errorf("%d sent, %d unfinished, %d never sent, kept up %t", r.Sent, r.Unfinished, r.NeverSent, r.KeptUp())
	}
	// Those never sent waited from 496 ms down to 0.
	if p50 := r.Quantile(0.5); p50 < 200*time.Millisecond {
		t.Errorf("p50 is %s, expected about \"250ms\"", p50)
	}
}

func TestErrorsAreCounted(t *testing.T) {
	var calls atomic.Uint64
	r, err := load.Run(t.Context(), load.Plan{Workers: 3, Requests: 90}, func(context.Context, int) (load.Call, error) {
		return func(context.Context) error {
			switch calls.Add(1) % 3 {
			case 0:
				return status.Error(codes.Unavailable, "gone")
			case 1:
				return errors.New("no status")
			}
			return nil
		}, nil
	})
	noError(t, err)
	if r.Answered != 30 || r.ByCode[codes.Unavailable] != 30 || r.ByCode[codes.Unknown] != 30 || r.FirstError == nil {
		t.Errorf("%d answered, %v, first %v", r.Answered, r.ByCode, r.FirstError)
	}
}

func TestInterruptedIsPartial(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t)
	r, err := load.Run(ctx, load.Plan{
		Workers: 2, Duration: time.Hour, Interval: 10 * time.Millisecond,
		Observe: func(p load.Progress) {
			if p.Answered > 10 {
				cancel()
			}
		},
	}, s.unary(t, 100))
	noError(t, err)
	if !r.Partial || r.Answered <= 10 || r.Sent != r.Answered+r.Failed+r.Unfinished || r.Failed > 0 {
		t.Errorf("partial %t, %d sent, %d answered, %d failed", r.Partial, r.Sent, r.Answered, r.Failed)
	}
}

func TestBadPlans(t *testing.T) {
	second := time.Second
	for _, plan := range []load.Plan{
		{Workers: -1},
		{Workers: load.MaxWorkers + 1},
		{Duration: -second},
		{Arrival: "often"},
		{Stages: []load.Stage{{From: 1, To: 1, Duration: second}}, Duration: second},
		{Stages: []load.Stage{{From: -1, To: 1, Duration: second}}},
		{Stages: []load.Stage{{From: math.NaN(), To: 1, Duration: second}}},
		{Stages: []load.Stage{{From: 1, To: 1e9, Duration: second}}},
		{Stages: []load.Stage{{From: 1, To: 1}}},
	} {
		_, err := load.Run(t.Context(), plan, nil)
		if failed, ok := errors.AsType[*load.Error](err); !ok || failed.Reason != load.ReasonPlan {
			t.Errorf("%+v: %v", plan, err)
		}
	}
	_, err := load.Run(t.Context(), load.Plan{}, func(context.Context, int) (load.Call, error) { return nil, errors.New("no") })
	if failed, ok := errors.AsType[*load.Error](err); !ok || failed.Reason != load.ReasonPrepare {
		t.Errorf("prepare: %v", err)
	}
}
