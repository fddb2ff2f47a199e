package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pyvider/rpcplugin/internal/process"
)

// Restart says how a Supervisor starts a plugin again. The zero value tries five
// times within seconds.
//
// Attempts, pauses and Total are those of one series. A plugin that has stayed
// up for Stable ends its series; when it ends, another series begins.
type Restart struct {
	// Attempts is how often a plugin is started in one series; default
	// DefaultAttempts. A negative number sets no bound.
	Attempts int
	// Initial is the first pause, and each further one twice as long, up to
	// Maximum; defaults DefaultInitialPause and DefaultMaximumPause.
	Initial, Maximum time.Duration
	// Jitter is the share of a pause by which it may be shorter or longer, at
	// random, up to 1; default DefaultJitter. A negative number means none.
	Jitter float64
	// Total bounds a series: no pause is begun that would end after it. Default:
	// no bound.
	Total time.Duration
	// Stable is how long a plugin must have stayed up; default DefaultStable.
	Stable time.Duration
}

// Defaults of a Restart.
const (
	// DefaultAttempts is how often a plugin is started in one series.
	DefaultAttempts = 5
	// DefaultInitialPause and DefaultMaximumPause bound the pauses.
	DefaultInitialPause = 200 * time.Millisecond
	DefaultMaximumPause = 10 * time.Second
	// DefaultJitter is the share of a pause that is left to chance.
	DefaultJitter = 0.2
	// DefaultStable is how long a plugin stays up that is not about to end.
	DefaultStable = 10 * time.Second
)

// withDefaults returns a copy in which nothing is left to be defaulted.
func (r Restart) withDefaults() Restart {
	if r.Attempts == 0 {
		r.Attempts = DefaultAttempts
	}
	if r.Initial <= 0 {
		r.Initial = DefaultInitialPause
	}
	if r.Maximum <= 0 {
		r.Maximum = DefaultMaximumPause
	}
	r.Initial = min(r.Initial, r.Maximum)
	switch {
	case r.Jitter == 0:
		r.Jitter = DefaultJitter
	case r.Jitter < 0:
		r.Jitter = 0
	case r.Jitter > 1:
		r.Jitter = 1
	}
	if r.Stable <= 0 {
		r.Stable = DefaultStable
	}
	return r
}

// options are those of one series.
func (r Restart) options(notify backoff.Notify) []backoff.RetryOption {
	return []backoff.RetryOption{
		backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: r.Initial, MaxInterval: r.Maximum, Multiplier: 2, RandomizationFactor: r.Jitter,
		}),
		backoff.WithMaxTries(uint(max(r.Attempts, 0))),
		backoff.WithMaxElapsedTime(r.Total),
		backoff.WithNotify(notify),
	}
}

// RestartReason says why a Supervisor has no plugin to hand out. The set is
// closed.
type RestartReason string

// The reasons of a RestartError.
const (
	// RestartExhausted: Attempts or Total of the Restart were used up.
	RestartExhausted RestartReason = "exhausted"
	// RestartFutile: the last failure is one that the next attempt would meet
	// again: no such command, another checksum or version, bad configuration.
	RestartFutile RestartReason = "futile"
	// RestartCanceled: the caller's context ended first. The Supervisor goes on.
	RestartCanceled RestartReason = "canceled"
	// RestartClosed: the Supervisor was closed.
	RestartClosed RestartReason = "closed"
)

// RestartError is the error of a Supervisor.
type RestartError struct {
	// Reason is one of the Restart… constants.
	Reason RestartReason
	// Command is the plugin's program.
	Command string
	// Attempts is how often it was started in the last series, and Took how
	// long that went on, lives and pauses included.
	Attempts int
	Took     time.Duration
	// Last is the last failure: an *Error of a start, or an *ExitError; nil
	// without any.
	Last error
	// Err is the context's error, with RestartCanceled.
	Err error
}

// Error says what has become of which plugin.
func (e *RestartError) Error() string {
	text := fmt.Sprintf("plugin %q ", e.Command)
	switch e.Reason {
	case RestartExhausted:
		text += fmt.Sprintf("was given up after %d attempts in %s", e.Attempts, e.Took.Round(time.Millisecond))
	case RestartFutile:
		text += fmt.Sprintf("was given up in attempt %d, as another would fail too", e.Attempts)
	case RestartCanceled:
		text += "was not waited for any longer"
	case RestartClosed:
		text += "is not started again: its supervisor was closed"
	default:
		text += string(e.Reason)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Last != nil {
		text += ": last failure: " + e.Last.Error()
	}
	return text
}

// Unwrap returns the last failure and the context's error, as far as there are
// any.
func (e *RestartError) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Err, e.Last} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Hint is that of the last failure.
func (e *RestartError) Hint() string {
	var advice interface{ Hint() string }
	if errors.As(e.Last, &advice) {
		return advice.Hint()
	}
	return ""
}

// ExitError is the end of a plugin that was ready, while it was wanted.
type ExitError struct {
	// Command is the plugin's program.
	Command string
	// Status is how it ended, Up how long it had been up.
	Status ExitStatus
	Up     time.Duration
	// Stderr holds the last lines of its stderr, oldest first.
	Stderr []string
	// Crash is that of [Client.Crash].
	Crash string
}

// Error says how the plugin ended.
func (e *ExitError) Error() string {
	return fmt.Sprintf("plugin %q %s after %s", e.Command, e.Status, e.Up.Round(time.Millisecond))
}

// Hint presents the plugin's crash, or else its last words.
func (e *ExitError) Hint() string { return (&Error{Stderr: e.Stderr, Crash: e.Crash}).LastWords() }

// heals reports whether a failure may be another one next time. A plugin that
// misses its cookie cannot be told from one that crashed: it is tried again.
func heals(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) {
		return true // an *ExitError
	}
	switch failed.Reason {
	case ReasonPrepare, ReasonExited, ReasonTimeout, ReasonConnect, ReasonRunner:
		return true
	case ReasonCommand:
		var refused *process.Error
		return errors.As(err, &refused) && refused.Reason == process.ReasonResources
	case ReasonLine:
		_, reported := failed.report() // by a bridge, of its program
		return reported
	default:
		return false
	}
}
