package load

import (
	"time"

	"google.golang.org/grpc/codes"
)

// Sample is what happened in one interval of what is measured.
type Sample struct {
	// At is when the interval ended, since what is measured began, and Took how
	// long it was.
	At, Took time.Duration
	// Answered and Failed are the calls that ended in it.
	Answered, Failed uint64
	// P50, P99 and P999 are of the latencies that were recorded in it, to within
	// 3 %.
	P50, P99, P999 time.Duration
}

// Rate is how many calls were answered a second.
func (s Sample) Rate() float64 { return float64(s.Answered) / max(s.Took.Seconds(), 1e-9) }

// Progress is how far a run is.
type Progress struct {
	// Warm is true until what is measured begins.
	Warm bool
	// Elapsed is the time since the run began, of Total.
	Elapsed, Total time.Duration
	// Sent, Answered and Failed count what was measured so far; ByCode is Failed
	// by status.
	Sent, Answered, Failed uint64
	ByCode                 map[codes.Code]uint64
	// Last is the last interval, P50 to Max are of all so far.
	Last                Sample
	P50, P99, P999, Max time.Duration
}

// sampler looks at the workers from time to time.
type sampler struct {
	of    *run
	taken []Sample

	last         *tally
	lastAt       int64
	lastAnswered uint64
	lastFailed   uint64
}

func newSampler(r *run) *sampler { return &sampler{of: r, last: newTally(), lastAt: r.warmup} }

// run takes samples until the calls have ended.
func (s *sampler) run(ended <-chan struct{}) {
	ticker := time.NewTicker(s.of.plan.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.take(s.of.now())
		case <-ended:
			return
		}
	}
}

// take takes one.
func (s *sampler) take(now int64) {
	r := s.of
	progress := Progress{Warm: now < r.warmup, Elapsed: time.Duration(now), Total: r.plan.Warmup + r.plan.Duration}
	current := newTally()
	for _, w := range r.workers {
		progress.Sent += w.sent.Load()
		progress.Answered += w.answered.Load()
		current.add(w.live)
	}
	progress.ByCode, progress.Failed = r.failures()
	if gone := now - s.lastAt; !progress.Warm && gone > 0 && now <= r.warmup+r.plan.Duration.Nanoseconds()+r.plan.Interval.Nanoseconds()/2 {
		interval := current.since(s.last)
		progress.Last = Sample{
			At: time.Duration(now - r.warmup), Took: time.Duration(gone),
			Answered: progress.Answered - s.lastAnswered, Failed: progress.Failed - s.lastFailed,
			P50: interval.quantile(0.5), P99: interval.quantile(0.99), P999: interval.quantile(0.999),
		}
		if gone > r.plan.Interval.Nanoseconds()/2 {
			s.taken = append(s.taken, progress.Last)
			s.last, s.lastAt, s.lastAnswered, s.lastFailed = current, now, progress.Answered, progress.Failed
		}
	}
	if r.plan.Observe == nil {
		return
	}
	progress.P50, progress.P99, progress.P999 = current.quantile(0.5), current.quantile(0.99), current.quantile(0.999)
	progress.Max = time.Duration(current.max)
	r.plan.Observe(progress)
}

// failures counts the failed calls, by code and in all.
func (r *run) failures() (map[codes.Code]uint64, uint64) {
	var byCode map[codes.Code]uint64
	var total uint64
	for _, w := range r.workers {
		for code := range w.failed {
			if n := w.failed[code].Load(); n > 0 {
				if byCode == nil {
					byCode = make(map[codes.Code]uint64)
				}
				byCode[codes.Code(code)] += n //nolint:gosec // a small number
				total += n
			}
		}
	}
	return byCode, total
}
