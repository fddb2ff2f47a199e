package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// longestPause is where the pauses between tries stop growing.
const longestPause = 5 * time.Second

// retryFlags say what to do about a plugin that does not start.
type retryFlags struct {
	Retries    int           `placeholder:"N" help:"How often a plugin that did not start, or could not be attached to, is tried again; default: never."`
	RetryDelay time.Duration `default:"100ms" help:"Pause before --retries, twice as long each time, up to 5s."`
}

func (f *retryFlags) checkRetries() error {
	if f.Retries < 0 {
		return usagef("for example --retries 3", "--retries is \"%d\", expected a whole number from \"0\"", f.Retries)
	}
	return checkDuration("--retry-delay", f.RetryDelay)
}

// open starts the plugin, or attaches to it, and tries that again as often as
// --retries says. The error is that of the last try.
func (f *retryFlags) open(ctx context.Context, config client.Config, running *handshake.Reattach) (*client.Client, error) {
	tries, last := f.Retries, error(nil)
	opened, _ := backoff.Retry(ctx, func() (*client.Client, error) {
		var opened *client.Client
		if opened, last = open(ctx, config, running); !mayPass(last) {
			return opened, backoff.Permanent(last)
		}
		return opened, last
	}, backoff.WithMaxTries(uint(f.Retries)+1), backoff.WithMaxElapsedTime(0), //nolint:gosec // checked: not below 0
		backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: f.RetryDelay, MaxInterval: max(longestPause, f.RetryDelay), Multiplier: 2,
		}),
		backoff.WithNotify(func(err error, pause time.Duration) {
			config.Logger.Warn("the plugin did not start; it is tried again", event.Retry(event.Plugin, event.Start), "error", err, "tries", tries, "pause", pause)
			tries--
		}))
	return opened, last
}

// mayPass reports whether another try can end otherwise.
func mayPass(err error) bool {
	failed, ok := errors.AsType[*client.Error](err)
	if !ok {
		return false
	}
	switch failed.Reason {
	case client.ReasonPrepare, client.ReasonRunner, client.ReasonExited, client.ReasonTimeout, client.ReasonLine, client.ReasonTLS, client.ReasonConnect:
		return true
	case client.ReasonConfig, client.ReasonCommand, client.ReasonChecksum, client.ReasonCanceled, client.ReasonReattach, client.ReasonDiscover:
		return false
	default:
		return false
	}
}
