package load

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// What is read from a recorder is what an HdrHistogram tells, to within 3 %.
func TestRecorder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r, exact := newRecorder(), newHistogram()
	for range 100_000 {
		v := int64(math.Exp(math.Log(1e4) + random.Float64()*math.Log(1e6)))
		r.record(v)
		count(exact, v)
	}
	half := newTally()
	half.add(r)
	for _, edge := range []int64{-1, 0, 63, 64, highest, math.MaxInt64} {
		r.record(edge)
		count(exact, edge)
	}
	sum := newTally()
	sum.add(r)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		got, want := float64(sum.quantile(q)), float64(exact.ValueAtQuantile(100*q))
		if math.Abs(got-want) > 0.03*want {
			t.Errorf("quantile %g is %g, expected %g", q, got, want)
		}
	}
	if total := sum.since(half).total; total != 6 || int64(sum.total) != exact.TotalCount() {
		t.Errorf("%d since, expected \"6\"; %d in all, expected \"%d\"", total, sum.total, exact.TotalCount())
	}
}

func TestSchedule(t *testing.T) {
	count := func(p Plan) (within []int) {
		within = make([]int, 4)
		s, last := newSchedule(p), int64(-1)
		for {
			at, ok := s.next()
			if !ok {
				return within
			}
			if at < last {
				t.Fatalf("%d comes after %d", at, last)
			}
			last = at
			within[min(3, at/int64(time.Second))]++
		}
	}
	stages := []Stage{{From: 100, To: 100, Duration: time.Second}, {From: 100, To: 300, Duration: time.Second}, {From: 400, To: 400, Duration: time.Second}}
	if got := count(Plan{Stages: stages, Arrival: ArrivalConstant}); got[0] != 100 || got[1] != 200 || got[2] != 400 || got[3] != 0 {
		t.Errorf("constant: %v in each second, expected 100, 200, 400", got)
	}
	for i := range stages {
		stages[i].From *= 100
		stages[i].To *= 100
	}
	for i, n := range count(Plan{Stages: stages, Seed: 5})[:3] {
		want := []float64{10_000, 20_000, 40_000}[i]
		if math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
			t.Errorf("poisson: %d in second %d, expected about %g", n, i, want)
		}
	}
}

func TestEstimates(t *testing.T) {
	e := EstimateOf([]float64{10, 2, 3, 4, 5, 6, 7, 8, 9, 1})
	if e != (Estimate{Median: 5.5, Low: 2, High: 9}) {
		t.Errorf("ten values: %+v", e)
	}
	if e := EstimateOf([]float64{3, 1, 2}); e != (Estimate{Median: 2, Low: 1, High: 3}) {
		t.Errorf("three values: %+v", e)
	}
	if r := RatioOf([]float64{2, 4, 6}, []float64{1, 2, 3}); r != (Estimate{2, 2, 2}) || r.Holds(1) {
		t.Errorf("ratio: %+v", r)
	}
	for _, tc := range []struct {
		name string
		a, b []float64
		want float64
	}{
		// 2 of the 70 ways to choose 4 of 8 are as far apart.
		{"apart", []float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, 2.0 / 70},
		{"mixed", []float64{1, 3, 5, 7}, []float64{2, 4, 6, 8}, 48.0 / 70},
		{"equal", []float64{1, 1, 1}, []float64{1, 1, 1}, 1},
		{"nothing", nil, []float64{1}, 1},
	} {
		if p := Differ(tc.a, tc.b); math.Abs(p-tc.want) > 1e-9 {
			t.Errorf("%s: p is %g, expected %g", tc.name, p, tc.want)
		}
	}
	var low, high []float64
	for i := range 30 {
		low, high = append(low, float64(i)), append(high, float64(i+60))
	}
	if p := Differ(low, high); p > 1e-6 {
		t.Errorf("thirty apart: p is %g", p)
	}
}
