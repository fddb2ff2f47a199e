package load

import (
	"math"
	"math/rand/v2"
	"time"
)

// schedule is the sequence of moments of an open loop, in nanoseconds since its
// beginning. It is not safe for concurrent use.
//
// Calls are counted off on a line where one call is due per unit on average, at
// random or in equal steps; the moment of a point on that line is where the
// rate, summed up over time, has reached it.
type schedule struct {
	stages []Stage
	random *rand.Rand // nil: equal steps
	point  float64    // the next call
	stage  int        // the stage that it is in, as far as is known
	before float64    // calls of all stages before
	start  float64    // seconds of all stages before
}

func newSchedule(p Plan) *schedule {
	s := &schedule{stages: p.Stages}
	if p.Warmup > 0 {
		rate := p.Stages[0].From
		if rate == 0 {
			rate = p.Stages[0].To / 100
		}
		s.stages = append([]Stage{{From: rate, To: rate, Duration: p.Warmup}}, p.Stages...)
	}
	if p.Arrival == ArrivalPoisson {
		s.random = rand.New(rand.NewPCG(p.Seed, 0x10ad)) //nolint:gosec // chance, no secret
		s.point = s.random.ExpFloat64()
	}
	return s
}

// next returns the moment of the next call; false after the last stage.
func (s *schedule) next() (int64, bool) {
	for s.stage < len(s.stages) {
		stage := s.stages[s.stage]
		span := stage.Duration.Seconds()
		calls := (stage.From + stage.To) / 2 * span
		if s.point < s.before+calls {
			moment := s.start + stage.when(s.point-s.before)
			if s.random != nil {
				s.point += s.random.ExpFloat64()
			} else {
				s.point++
			}
			return int64(moment * float64(time.Second)), true
		}
		s.before += calls
		s.start += span
		s.stage++
	}
	return 0, false
}

// when is after how many seconds of the stage that many of its calls were due:
// where From·t + slope·t²/2 is calls.
func (s Stage) when(calls float64) float64 {
	slope := (s.To - s.From) / s.Duration.Seconds()
	root := math.Sqrt(math.Max(0, s.From*s.From+2*slope*calls))
	if s.From+root == 0 {
		return 0
	}
	return 2 * calls / (s.From + root)
}
