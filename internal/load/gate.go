package load

import (
	"sync"
	"time"
)

// lateAfter is how late a call of an open loop may be sent, in nanoseconds,
// without being called late.
const lateAfter = int64(time.Millisecond)

// longestPause bounds how late a stop is noticed.
const longestPause = 20 * time.Millisecond

// gate hands out the moments of an open loop, one at a time: whoever has the
// lock waits for his moment, the others wait for the lock.
type gate struct {
	run      *run
	mu       sync.Mutex
	schedule *schedule
}

// next waits for the next moment and returns it; false when there is none, or
// the run ends before.
func (g *gate) next() (int64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run.stopped.Load() {
		return 0, false
	}
	due, ok := g.schedule.next()
	if !ok {
		return 0, false
	}
	if due >= g.run.warmup && !g.run.admit() {
		return 0, false
	}
	for {
		now := g.run.now()
		switch {
		case g.run.stopped.Load() || now >= g.run.end:
			if now > due { // it was due, and nobody was free
				g.run.missed(due, now)
			}
			return 0, false
		case now >= due:
			return due, true
		}
		pause(min(time.Duration(due-now), longestPause))
	}
}

// rest counts what was due until a moment and is not sent any more.
func (g *gate) rest(until int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		due, ok := g.schedule.next()
		if !ok || due >= until || (due >= g.run.warmup && !g.run.admit()) {
			return
		}
		g.run.missed(due, until)
	}
}
