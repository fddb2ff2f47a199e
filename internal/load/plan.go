package load

import (
	"context"
	"time"
)

// Defaults and bounds of a Plan.
const (
	// DefaultDuration is how long is measured.
	DefaultDuration = 10 * time.Second
	// DefaultDrain is how long calls that run at the end may go on.
	DefaultDrain = 2 * time.Second
	// DefaultOpenWorkers is how many calls may be under way in an open loop.
	DefaultOpenWorkers = 256
	// MaxWorkers is the most that a Plan may ask for.
	MaxWorkers = 4096
	// MaxRate is the highest rate of a Stage, in calls a second.
	MaxRate = 1e6
)

// Call makes one call and returns when it has ended. Its error is a gRPC status,
// or counts as codes.Unknown. It must return soon after the end of ctx.
type Call func(ctx context.Context) error

// Prepare returns the Call of one worker, numbered from 0, before any begins. ctx
// lives as long as the run: streams that are opened here end with it.
type Prepare func(ctx context.Context, worker int) (Call, error)

// Arrival is how the moments of an open loop are spread.
type Arrival string

// The arrivals.
const (
	// ArrivalPoisson: at random and independent of each other, as those of many
	// callers who do not know each other.
	ArrivalPoisson Arrival = ""
	// ArrivalConstant: in equal steps.
	ArrivalConstant Arrival = "constant"
)

// Stage is a part of an open loop: the rate goes evenly from From to To, both in
// calls a second, within Duration.
type Stage struct {
	From, To float64
	Duration time.Duration
}

// Plan says how to load. The zero value is a closed loop of one worker for
// DefaultDuration without a warm-up.
type Plan struct {
	// Workers is how many call at once: in a closed loop all the time, in an open
	// one at most. Default: 1, in an open loop DefaultOpenWorkers.
	Workers int
	// Stages make it an open loop. The rate of the first one's beginning is that
	// of the warm-up.
	Stages []Stage
	// Arrival is ArrivalPoisson by default; it says nothing in a closed loop.
	Arrival Arrival
	// Seed makes the arrivals of two runs the same.
	Seed uint64
	// Warmup is loaded first and not measured.
	Warmup time.Duration
	// Duration is measured; default DefaultDuration, or without end if Requests
	// is set. In an open loop it is the sum of the Stages, and must be 0.
	Duration time.Duration
	// Requests is how many measured calls are made at most; 0 is no bound.
	Requests uint64
	// Drain is how long calls that run at the end may go on; default
	// DefaultDrain. What has not ended then is unfinished.
	Drain time.Duration
	// Interval is that of the samples; default 1 s, or a tenth of what is
	// measured if that is shorter.
	Interval time.Duration
	// Observe, if set, is called after each Interval, on a goroutine of its own.
	Observe func(Progress)
}

// Open reports whether it is an open loop.
func (p Plan) Open() bool { return len(p.Stages) > 0 }

// withDefaults checks p and fills it in.
func (p Plan) withDefaults() (Plan, error) {
	if err := p.check(); err != nil {
		return p, err
	}
	if p.Workers == 0 {
		p.Workers = 1
		if p.Open() {
			p.Workers = DefaultOpenWorkers
		}
	}
	switch {
	case p.Open():
		for _, stage := range p.Stages {
			p.Duration += stage.Duration
		}
	case p.Duration == 0 && p.Requests == 0:
		p.Duration = DefaultDuration
	case p.Duration == 0:
		p.Duration = 1000 * time.Hour
	}
	if p.Drain == 0 {
		p.Drain = DefaultDrain
	}
	if p.Interval == 0 {
		p.Interval = max(10*time.Millisecond, min(time.Second, p.Duration/10))
	}
	return p, nil
}

func (p Plan) check() error {
	if p.Workers < 0 || p.Workers > MaxWorkers {
		return planError("%d callers at once, expected \"1\" to \"%d\"", p.Workers, MaxWorkers)
	}
	for _, span := range []time.Duration{p.Warmup, p.Duration, p.Drain, p.Interval} {
		if span < 0 {
			return planError("a time of %q, expected no less than \"0s\"", span)
		}
	}
	if p.Open() && p.Duration != 0 {
		return planError("a duration of %q beside stages, whose sum it is", p.Duration)
	}
	if p.Arrival != ArrivalPoisson && p.Arrival != ArrivalConstant {
		return planError("arrival %q, expected \"poisson\" or \"constant\"", p.Arrival)
	}
	for _, stage := range p.Stages {
		if !(stage.From >= 0 && stage.To >= 0 && stage.From+stage.To > 0 && max(stage.From, stage.To) <= MaxRate) {
			return planError("a rate from \"%g\" to \"%g\" calls a second, expected more than \"0\" and at most \"%g\"", stage.From, stage.To, MaxRate)
		}
		if stage.Duration <= 0 {
			return planError("a stage of %q, expected more than \"0s\"", stage.Duration)
		}
	}
	return nil
}
