package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/pyvider/rpcplugin/pkg/client"
)

// ended tells why an action ended before its time.
func (f *connectFlags) ended(ctx context.Context, err error) error {
	if err == nil || (ctx.Err() == nil && !quicker(ctx, err)) {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) {
		return errInterrupted
	}
	late := &timeoutError{after: f.Timeout}
	if start, ok := errors.AsType[*client.Error](err); ok { // what did not start counts before what took long
		return &startError{err: &advisedError{err: fmt.Errorf("%w: %w", late, start), hint: late.Hint()}}
	}
	return late
}

// slack is how much sooner than ours a plugin's clock may end a call.
const slack = 100 * time.Millisecond

// quicker reports whether a call has ended by --timeout, of which the plugin was
// told and which it noticed before we did.
func quicker(ctx context.Context, err error) bool {
	call, ok := errors.AsType[*callError](err)
	return ok && call.status.Code() == codes.DeadlineExceeded && nearDeadline(ctx)
}

// nearDeadline reports whether the deadline is reached but for the slack.
func nearDeadline(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return bounded && time.Until(deadline) < slack
}

// advise adds, to the error of a start, the flags that may help.
func (f *connectFlags) advise(err error, config client.Config) error {
	failed, ok := errors.AsType[*client.Error](err)
	if !ok {
		return err
	}
	advice := ""
	switch {
	case failed.Reason == client.ReasonCommand:
		return adviseWords(err, config.Command)
	case failed.Reason == client.ReasonTLS && config.TLS == client.TLSAuto:
		advice = "--tls off is for plugins that do not do AutoMTLS"
		return &advisedError{err: err, hint: strings.TrimSpace(advice + "\n" + hintOf(failed.Err) + "\n" + failed.LastWords())}
	case failed.Reason == client.ReasonTimeout:
		advice = "--start-timeout gives it more time"
	case failed.Reason == client.ReasonExited && config.Cookie.IsZero():
		advice = "most plugins ask for the cookie of their host: name it with --host, or the cookie itself with --cookie"
	case failed.Reason == client.ReasonExited:
		advice = "a plugin of another host ends like this, too: is it one of --host " + cmp.Or(f.Host, "NAME") + "?"
	default:
		return err
	}
	return &advisedError{err: err, hint: strings.TrimSpace(advice + "\n" + failed.Hint())}
}

// advisedError is an error with advice that only the command line can give.
type advisedError struct {
	err  error
	hint string
}

func (e *advisedError) Error() string { return e.err.Error() }
func (e *advisedError) Unwrap() error { return e.err }
func (e *advisedError) Hint() string  { return e.hint }

// timeoutError is the end of --timeout.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("not done within --timeout %s", e.after) }

func (e *timeoutError) Hint() string {
	return "give it more time with --timeout, or see what it does with --log-level debug"
}
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// pluginDeath is how a plugin ended in the middle of a call.
type pluginDeath struct {
	Status    string   `json:"status"`
	LastWords []string `json:"last_words,omitempty"`
}

// autopsy adds to the error of a call how the plugin died, if it did.
func (s *session) autopsy(err error) error {
	var call *callError
	if !errors.As(err, &call) || call.status.Code() != codes.Unavailable || call.death != nil {
		return err
	}
	moment := time.NewTimer(500 * time.Millisecond)
	defer moment.Stop()
	select {
	case <-s.Exited():
	case <-moment.C:
		return err
	}
	if s.attached != nil {
		call.death = &pluginDeath{Status: "connection lost"}
		call.hint = "the connection to the plugin is lost: it has ended, most likely"
		return err
	}
	exit, words := s.LastWords()
	call.death = &pluginDeath{Status: exit.String(), LastWords: words}
	call.hint = "the plugin " + exit.String()
	if len(words) > 0 {
		call.hint += "; its last words on stderr:\n  " + strings.Join(words, "\n  ")
	}
	return err
}

// explain adds the advice that the flags of a call can give.
func (c *caller) explain(err error) error {
	call, ok := errors.AsType[*callError](err)
	if !ok {
		return err
	}
	message := call.status.Message()
	switch {
	case call.status.Code() == codes.DeadlineExceeded && c.MaxTime > 0:
		call.hint = fmt.Sprintf("--max-time %s is over; a higher one gives it more time", c.MaxTime)
	case call.status.Code() == codes.ResourceExhausted && strings.Contains(message, "larger than max"):
		call.hint = "the plugin has a limit for what it takes: in most gRPC libraries it is 4 MiB, unless the server raises it"
		if c.MessageSize > 0 {
			call.hint = fmt.Sprintf("--message-size %d is the limit here; without it there is none, but the plugin may have its own", c.MessageSize)
		}
	}
	return err
}
