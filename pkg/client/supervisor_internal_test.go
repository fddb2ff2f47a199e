package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// played is a start without a process: the n-th plugin lives for lives[n], and
// does not start where that is negative. After the last nothing starts.
func played(at *[]time.Duration, lives ...time.Duration) func(context.Context, Config) (*Client, error) {
	began := time.Now()
	return func(_ context.Context, cfg Config) (*Client, error) {
		n := len(*at)
		*at = append(*at, time.Since(began))
		if n >= len(lives) || lives[n] < 0 {
			return nil, &Error{Reason: ReasonExited, Command: "p", Status: &ExitStatus{Code: 1}}
		}
		c := &Client{cfg: cfg, started: time.Now(), attached: &attachment{lost: make(chan struct{})}}
		c.advance(StateReady)
		time.AfterFunc(lives[n], func() { close(c.attached.lost) })
		return c, nil
	}
}

func TestRestartPauses(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name   string
		policy Restart
		lives  []time.Duration
		want   []time.Duration // the times of the attempts
		count  int             // of the attempts in the last series
	}{
		{"the defaults", Restart{Jitter: -1}, nil, []time.Duration{0, s / 5, 3 * s / 5, 7 * s / 5, 3 * s}, 5},
		{"a maximum", Restart{Jitter: -1, Initial: 3 * s, Maximum: 5 * s, Attempts: 4}, nil, []time.Duration{0, 3 * s, 8 * s, 13 * s}, 4},
		{"a total", Restart{Jitter: -1, Initial: s, Total: 4 * s, Attempts: -1}, nil, []time.Duration{0, s, 3 * s}, 3},
		{"one attempt", Restart{Attempts: 1}, nil, []time.Duration{0}, 1},
		{
			"short lives",
			Restart{Jitter: -1, Initial: s, Attempts: 3},
			[]time.Duration{s, -1, 2 * s},
			[]time.Duration{0, 2 * s, 4 * s},
			3,
		},
		{
			"a long life resets the count",
			Restart{Jitter: -1, Initial: s, Attempts: 2, Stable: 5 * s},
			[]time.Duration{-1, 6 * s},
			[]time.Duration{0, s, 7 * s, 8 * s},
			2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Duration
				var told []int
				cfg := Config{Command: []string{"p"}, Trace: &Trace{Restart: func(i RestartInfo) { told = append(told, i.Attempt) }}}
				supervisor := supervise(cfg, test.policy, played(&at, test.lives...))
				<-supervisor.Done()
				if !slices.Equal(at, test.want) {
					t.Errorf("attempts at %v, expected %v", at, test.want)
				}
				var gaveUp *RestartError
				if !errors.As(supervisor.Err(), &gaveUp) || gaveUp.Reason != RestartExhausted || gaveUp.Attempts != test.count || gaveUp.Command != "p" {
					t.Fatalf("the end is %v", supervisor.Err())
				}
				lasted := at[len(at)-1] - at[len(at)-test.count]
				if len(test.lives) == len(at) {
					lasted += test.lives[len(at)-1]
				}
				if gaveUp.Took != lasted || gaveUp.Last == nil {
					t.Errorf("the series took %s with %v, expected %s", gaveUp.Took, gaveUp.Last, lasted)
				}
				if len(told) == 0 && len(at) > 1 {
					t.Error("no restart was told of")
				}
				if _, err := supervisor.Client(t.Context()); !errors.Is(err, gaveUp) {
					t.Errorf("Client after the end: %v", err)
				}
				if err := supervisor.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRestartJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		supervisor := supervise(Config{}, Restart{Jitter: 0.5, Initial: time.Second, Maximum: time.Second, Attempts: 100}, played(&at))
		<-supervisor.Done()
		different := make(map[time.Duration]bool)
		for i := 1; i < len(at); i++ {
			pause := at[i] - at[i-1]
			different[pause] = true
			if pause < time.Second/2 || pause > 3*time.Second/2+1 {
				t.Errorf("pause %d is %s, expected half a second to one and a half", i, pause)
			}
		}
		if len(different) < 50 {
			t.Errorf("99 pauses have %d lengths", len(different))
		}
		_ = supervisor.Close(t.Context())
	})
}

func TestSupervisorHandsOutTheCurrentPlugin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		const life, pause = 3 * time.Second, 2 * time.Second
		supervisor := supervise(Config{}, Restart{Jitter: -1, Initial: pause}, played(&at, life, time.Hour))
		first, err := supervisor.Client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		<-first.Exited()
		died := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), pause/2)
		defer cancel()
		var gaveUp *RestartError
		var ended *ExitError
		if _, err := supervisor.Client(ctx); !errors.As(err, &gaveUp) || gaveUp.Reason != RestartCanceled ||
			!errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &ended) || ended.Up != life {
			t.Errorf("waiting for less than the pause: %v", err)
		}
		if supervisor.Err() != nil {
			t.Errorf("it goes on, and says %v", supervisor.Err())
		}
		second, err := supervisor.Client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(died); took != pause || second == first || second.Metrics().Restarts != 1 {
			t.Errorf("after %s there is %v, restarted %d times", took, second, second.Metrics().Restarts)
		}
		time.AfterFunc(time.Second, func() { _ = supervisor.Close(context.Background()) })
		<-supervisor.Done()
		if err := supervisor.Err(); !errors.As(err, &gaveUp) || gaveUp.Reason != RestartClosed {
			t.Errorf("after Close: %v", err)
		}
		if err := supervisor.Close(t.Context()); err != nil || second.State() < StateStopping {
			t.Errorf("the plugin is %s, %v", second.State(), err)
		}
	})
}

func TestHeals(t *testing.T) {
	for want, all := range map[bool][]error{
		true: {
			&ExitError{}, &Error{Reason: ReasonExited}, &Error{Reason: ReasonTimeout}, &Error{Reason: ReasonConnect},
			&Error{Reason: ReasonPrepare}, &Error{Reason: ReasonRunner},
			&Error{Reason: ReasonCommand, Err: &process.Error{Reason: process.ReasonResources}},
			&Error{Reason: ReasonLine, Line: "rpcplugin: the program ended\n", Err: &handshake.Error{}},
		},
		false: {
			&Error{Reason: ReasonCommand, Err: &process.Error{Reason: process.ReasonNotFound}},
			&Error{Reason: ReasonLine, Err: &handshake.Error{Reason: handshake.ReasonAppVersion}},
			&Error{Reason: ReasonTLS}, &Error{Reason: ReasonChecksum}, &Error{Reason: ReasonConfig}, &Error{Reason: ReasonCanceled},
		},
	} {
		for _, err := range all {
			if heals(err) != want {
				t.Errorf("%v: heals is %t", err, !want)
			}
		}
	}
}

func TestRestartErrorTexts(t *testing.T) {
	last := &ExitError{Command: "p", Status: ExitStatus{Code: 7}, Up: 1500 * time.Millisecond, Stderr: []string{"good bye"}}
	for _, test := range []struct {
		err  RestartError
		want string
	}{
		{
			RestartError{Reason: RestartExhausted, Attempts: 5, Took: 3 * time.Second, Last: last},
			`plugin "p" was given up after 5 attempts in 3s: last failure: plugin "p" exited with status 7 after 1.5s`,
		},
		{
			RestartError{Reason: RestartFutile, Attempts: 1, Last: errors.New("nowhere")},
			`plugin "p" was given up in attempt 1, as another would fail too: last failure: nowhere`,
		},
		{RestartError{Reason: RestartCanceled, Err: context.Canceled}, `plugin "p" was not waited for any longer: context canceled`},
		{RestartError{Reason: RestartClosed}, `plugin "p" is not started again: its supervisor was closed`},
	} {
		test.err.Command = "p"
		if test.err.Error() != test.want {
			t.Errorf("the text is\n%s, expected\n%s", test.err.Error(), test.want)
		}
	}
	if hint := (&RestartError{Last: last}).Hint(); hint != "its last words on stderr:\n  good bye" {
		t.Errorf("the hint is %q", hint)
	}
	last.Crash = "panic: oh no\n\ngoroutine 1 [running]:"
	if hint := last.Hint(); !strings.HasPrefix(hint, "it crashed:\n  panic: oh no\n") {
		t.Errorf("the hint of a crash is %q", hint)
	}
}
