package bench

import (
	"math"
	"slices"
	"testing"
	"time"
)

// rounds is how often every contender is measured, at least.
const rounds = 12

// contender is who is measured: the name that its figures get, and one
// measurement.
type contender struct {
	name    string
	measure func() float64
}

// compare measures all contenders round by round and reports them in unit, and
// as ratios to the first.
func compare(b *testing.B, unit string, contenders ...contender) {
	b.Helper()
	few(b, unit, rounds, contenders...)
}

// few is compare with another number of rounds, for what takes long.
func few(b *testing.B, unit string, rounds int, contenders ...contender) {
	b.Helper()
	values := make([][]float64, len(contenders))
	for b.Loop() {
		for round := range rounds {
			for turn := range contenders {
				i := (turn + round) % len(contenders)
				values[i] = append(values[i], contenders[i].measure())
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together: says nothing
	for i, c := range contenders {
		median, _, _ := estimate(values[i])
		b.ReportMetric(median, c.name+"-"+unit)
		if i == 0 {
			continue
		}
		ratios := make([]float64, len(values[i]))
		for round := range ratios {
			ratios[round] = values[i][round] / values[0][round]
		}
		median, low, high := estimate(ratios)
		b.ReportMetric(median, c.name+"-ratio")
		b.ReportMetric(low, c.name+"-ratio-low")
		b.ReportMetric(high, c.name+"-ratio-high")
	}
}

// both measures a running host and plugin of each make.
func both(b *testing.B, unit string, measure func(*testing.B, *host) float64) {
	b.Helper()
	contenders := make([]contender, 0, 2)
	for _, name := range []string{theirs, ours} {
		h := begin(b, name, name)
		defer h.stop()
		measure(b, h) // it warms up
		contenders = append(contenders, contender{name, func() float64 { return measure(b, h) }})
	}
	compare(b, unit, contenders...)
}

// estimate returns the median of values and the interval that holds the true
// one at about 95 %, by the ranks of a binomial distribution.
func estimate(values []float64) (median, low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	away := int(math.Ceil(0.98 * math.Sqrt(float64(n))))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[max(0, n/2-away)], sorted[min(n-1, (n-1)/2+away)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
