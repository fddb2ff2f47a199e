package load

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// coarse is what the timers of the Go run time may be late by.
const coarse = 1500 * time.Microsecond

// pause sleeps, to a few microseconds: a sleep of the run time may last a
// millisecond longer, which would count as latency.
func pause(span time.Duration) {
	if span > 2*coarse {
		time.Sleep(span - coarse)
		return // the caller looks at the clock and comes again
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	length := unix.NsecToTimespec(span.Nanoseconds())
	_ = unix.Nanosleep(&length, nil) // one that was interrupted comes again, too
}
