package load

import (
	"math"
	"slices"
)

// Estimate is a median with the interval that holds the true one at 95 %.
type Estimate struct {
	Median, Low, High float64
}

// EstimateOf returns the median of values and its interval, by the ranks of a
// binomial distribution, which asks nothing of how the values are spread. With
// fewer than six values the interval is all of them, and less sure.
func EstimateOf(values []float64) Estimate {
	if len(values) == 0 {
		return Estimate{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	// How many ranks may be left out at each end: their chance is at most 2.5 %.
	chance, below, out := math.Pow(0.5, float64(n)), 0.0, 0
	for rank := 0; rank < n/2; rank++ {
		below += chance
		if below > 0.025 {
			break
		}
		out = rank
		chance *= float64(n-rank) / float64(rank+1)
	}
	return Estimate{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Low: sorted[out], High: sorted[n-1-out]}
}

// RatioOf estimates the ratio of two measures that were taken in the same rounds.
func RatioOf(values, base []float64) Estimate {
	ratios := make([]float64, 0, len(values))
	for i := range min(len(values), len(base)) {
		if base[i] != 0 {
			ratios = append(ratios, values[i]/base[i])
		}
	}
	return EstimateOf(ratios)
}

// Holds reports whether a value is within the interval.
func (e Estimate) Holds(value float64) bool { return e.Low <= value && value <= e.High }

// Differ returns the chance that two sets of values that differ no less come
// from the same source: the two-sided p of the Mann-Whitney U test, exact for
// small sets without ties, else by its normal approximation. It is 1 where there
// is too little to tell.
func Differ(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	u, ties := 0.0, false
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
				ties = true
			}
		}
	}
	n, m := len(a), len(b)
	u = min(u, float64(n*m)-u)
	if !ties && n <= 20 && m <= 20 {
		return min(1, 2*below(n, m, int(u)))
	}
	return approximately(a, b, u)
}

// below is the chance of a U of at most u, for n and m values from one source.
func below(n, m, u int) float64 {
	// ways[k][s] counts the choices of k of the values so far whose U is s.
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, n*m+1)
	}
	ways[0][0] = 1
	for i := 1; i <= n+m; i++ {
		for k := min(i, n); k >= 1; k-- {
			add := i - k // values of the other set below the k-th of this one
			if add > m {
				continue
			}
			for s := n * m; s >= add; s-- {
				ways[k][s] += ways[k-1][s-add]
			}
		}
	}
	var some, all float64
	for s, n := range ways[n] {
		all += n
		if s <= u {
			some += n
		}
	}
	return some / all
}

// approximately is the two-sided p by the normal distribution, with ties.
func approximately(a, b []float64, u float64) float64 {
	n, m := float64(len(a)), float64(len(b))
	all := slices.Sorted(slices.Values(append(slices.Clone(a), b...)))
	tied := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		tied += t*t*t - t
		i = j
	}
	total := n + m
	deviation := math.Sqrt(n * m / 12 * (total + 1 - tied/(total*(total-1))))
	if deviation == 0 {
		return 1
	}
	z := max(0, math.Abs(u-n*m/2)-0.5) / deviation
	return math.Erfc(z / math.Sqrt2)
}
