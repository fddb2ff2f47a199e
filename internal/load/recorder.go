package load

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A recorder has buckets as an HdrHistogram has them, but fewer: values below 64
// units are in buckets of one unit, and each doubling after has 32 of them.
const (
	unitBits = 6 // a unit is 64 ns
	halfBits = 5
	half     = 1 << halfBits
	topBits  = 40 // values are at most 2⁴⁰ ns, 18 minutes
	highest  = int64(1)<<topBits - 1
	buckets  = (topBits - unitBits - halfBits + 1) * half
)

// recorder counts latencies to within 3 %, so that they can be looked at while
// it goes on: to read the histograms themselves would take as long as many
// calls. It has one writer and any number of readers.
type recorder struct {
	counts []atomic.Uint64
	// low and high are the first bucket that is not empty and the one after the
	// last; equal without any.
	low, high atomic.Int64
	max       atomic.Int64
}

func newRecorder() *recorder { return &recorder{counts: make([]atomic.Uint64, buckets)} }

// bucketOf is the bucket of a latency in nanoseconds.
func bucketOf(v int64) int {
	doubling := max(0, bits.Len64(uint64(v))-unitBits-halfBits-1) //nolint:gosec // v is positive
	return doubling<<halfBits + int(v>>(doubling+unitBits))
}

// lowest is the smallest latency of a bucket.
func lowest(bucket int) int64 {
	doubling := max(0, bucket>>halfBits-1)
	return int64(bucket-doubling<<halfBits) << (doubling + unitBits)
}

// record counts one latency.
func (r *recorder) record(took int64) {
	took = min(max(took, 0), highest)
	bucket := bucketOf(took)
	if at := int64(bucket); at >= r.high.Load() {
		if r.high.Load() == r.low.Load() {
			r.low.Store(at)
		}
		r.high.Store(at + 1)
	} else if at < r.low.Load() {
		r.low.Store(at)
	}
	r.counts[bucket].Add(1)
	if took > r.max.Load() {
		r.max.Store(took)
	}
}

// tally is the sum of recorders at one moment.
type tally struct {
	counts    []uint64
	low, high int
	total     uint64
	max       int64
}

func newTally() *tally { return &tally{counts: make([]uint64, buckets), low: buckets} }

// add adds a recorder as it is now.
func (t *tally) add(r *recorder) {
	low, high := int(r.low.Load()), int(r.high.Load())
	for bucket := low; bucket < high; bucket++ {
		if n := r.counts[bucket].Load(); n > 0 {
			t.counts[bucket] += n
			t.total += n
		}
	}
	if low < high {
		t.low, t.high = min(t.low, low), max(t.high, high)
	}
	t.max = max(t.max, r.max.Load())
}

// since returns what has come since an earlier tally of the same recorders.
func (t *tally) since(earlier *tally) *tally {
	gone := newTally()
	gone.low, gone.high = t.low, t.high
	for bucket := t.low; bucket < t.high; bucket++ {
		n := t.counts[bucket] - earlier.counts[bucket]
		gone.counts[bucket] = n
		gone.total += n
	}
	return gone
}

// quantile is the latency that the share q of all is not above.
func (t *tally) quantile(q float64) time.Duration {
	if t.total == 0 {
		return 0
	}
	want := uint64(q*float64(t.total) + 0.5)
	var seen uint64
	for bucket := t.low; bucket < t.high; bucket++ {
		if seen += t.counts[bucket]; seen >= max(want, 1) {
			return time.Duration((lowest(bucket) + lowest(bucket+1)) / 2)
		}
	}
	return time.Duration(t.max)
}

// newHistogram is one of three digits, in nanoseconds.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1<<unitBits, highest, 3) }

// count counts a latency in a histogram.
func count(h *hdrhistogram.Histogram, took int64) {
	_ = h.RecordValue(min(max(took, 0), highest)) // which is in range
}
