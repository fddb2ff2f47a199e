package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"google.golang.org/grpc/codes"
)

// Result is what came of a run. Sent is always Answered + Failed + Unfinished.
type Result struct {
	// Open says that it was an open loop, and Workers how many could call at once.
	Open    bool
	Workers int
	// Partial says that it was ended before its time.
	Partial bool
	// Took is from the beginning of what was measured to its end: that of the
	// last call, or the planned one if that is later.
	Took time.Duration
	// Planned is for how long calls were sent.
	Planned time.Duration
	// WarmUp is how many calls were sent before.
	WarmUp uint64
	// Sent is how many were sent, Answered how many of them succeeded, Failed how
	// many did not, and Unfinished how many had not ended after Plan.Drain.
	Sent, Answered, Failed, Unfinished uint64
	// ByCode is Failed by status; nil without any.
	ByCode map[codes.Code]uint64
	// FirstError is the first failure, also of the warm-up; nil without any.
	FirstError error
	// NeverSent is how many calls of an open loop were due and not sent.
	NeverSent uint64
	// Late is how many calls of an open loop were sent more than a millisecond
	// after they were due.
	Late uint64
	// Latency is the distribution in nanoseconds: of calls that were answered,
	// and of those unfinished or never sent for as long as they had waited.
	Latency *hdrhistogram.Histogram
	// Mean and Max are exact.
	Mean, Max time.Duration
	// Samples are the intervals one after the other.
	Samples []Sample
}

// Rate is how many calls were answered a second.
func (r *Result) Rate() float64 { return float64(r.Answered) / max(r.Took.Seconds(), 1e-9) }

// Due is how many calls were to be sent.
func (r *Result) Due() uint64 { return r.Sent + r.NeverSent }

// Asked is how many calls a second were due.
func (r *Result) Asked() float64 { return float64(r.Due()) / max(r.Planned.Seconds(), 1e-9) }

// KeptUp reports whether all that was due was sent, at most one in ten of it
// late. A few are late wherever a machine has more to do.
func (r *Result) KeptUp() bool { return r.NeverSent == 0 && r.Late*10 <= r.Sent }

// Quantile is the latency that the share q of the calls is not above.
func (r *Result) Quantile(q float64) time.Duration {
	if q >= 1 {
		return r.Max
	}
	return min(time.Duration(r.Latency.ValueAtQuantile(100*q)), r.Max)
}

// result sums the workers up; they have ended.
func (r *run) result(partial bool) *Result {
	result := &Result{Open: r.gate != nil, Workers: len(r.workers), Partial: partial}
	end := r.end
	if cut := r.cut.Load(); cut > 0 {
		end = min(end, cut)
	}
	if r.gate != nil {
		r.gate.rest(end)
	}
	result.Latency = newHistogram()
	var lastEnd, sum, slowest int64
	for _, w := range append([]*worker{&r.lost}, r.workers...) {
		result.WarmUp += w.warm.Load()
		result.Sent += w.sent.Load()
		result.Answered += w.answered.Load()
		result.Unfinished += w.unfinished.Load()
		result.Late += w.late.Load()
		lastEnd, sum, slowest = max(lastEnd, w.lastEnd.Load()), sum+w.sum, max(slowest, w.max)
		result.Latency.Merge(w.took)
	}
	result.NeverSent = r.neverSent
	result.ByCode, result.Failed = r.failures()
	if first := r.firstError.Load(); first != nil {
		result.FirstError = *first
	}
	if r.plan.Requests == 0 {
		lastEnd = max(lastEnd, end)
	}
	result.Planned = time.Duration(max(0, min(end, lastEnd)-r.warmup))
	result.Took = time.Duration(max(0, lastEnd-r.warmup))
	result.Max = time.Duration(slowest)
	result.Mean = time.Duration(sum / max(1, result.Latency.TotalCount()))
	return result
}
