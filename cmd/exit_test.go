package cmd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	usage := usagef("", "a mistake")
	cookie := &server.Error{Reason: server.ReasonCookie, Err: errors.New("missing")}
	call := &callError{method: "a/B", status: status.New(codes.Internal, "broken")}
	for _, tc := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, 0},
		{"anything else", errors.New("a fault"), 1},
		{"usage", usage, 2},
		{"usage, wrapped", fmt.Errorf("within: %w", usage), 2},
		{"interrupted", errInterrupted, 130},

		{"plugin: timeout", &client.Error{Reason: client.ReasonTimeout}, 3},
		{"plugin: line", &client.Error{Reason: client.ReasonLine}, 3},
		{"plugin: connect", &client.Error{Reason: client.ReasonConnect}, 3},
		{"plugin: tls", &client.Error{Reason: client.ReasonTLS}, 4},
		{"plugin: tls, advised", &advisedError{err: &client.Error{Reason: client.ReasonTLS}}, 4},
		{"plugin: timeout of its start with the context's as cause", &client.Error{Reason: client.ReasonTimeout, Err: context.DeadlineExceeded}, 3},

		{"serve: cookie", cookie, 1},
		{"serve: cookie, reported", fmt.Errorf("%w: %w", errReported, cookie), 1},
		{"serve: environment", &server.Error{Reason: server.ReasonEnvironment}, 3},
		{"serve: network", &server.Error{Reason: server.ReasonNetwork}, 3},
		{"serve: listen", &server.Error{Reason: server.ReasonListen}, 3},
		{"serve: register", &server.Error{Reason: server.ReasonRegister}, 3},
		{"serve: line", &server.Error{Reason: server.ReasonLine}, 3},
		{"serve: tls", &server.Error{Reason: server.ReasonTLS}, 4},
		{"serve: server", &server.Error{Reason: server.ReasonServe}, 1},
		{"bridge: before it accepted", &bridge.Error{Reason: bridge.ReasonExited}, 3},
		{"bridge: later", &bridge.Error{Reason: bridge.ReasonExited, Accepted: true}, 1},

		{"call: cancelled", &callError{status: status.New(codes.Canceled, "")}, 65},
		{"call: its own deadline", &callError{status: status.New(codes.DeadlineExceeded, "")}, 68},
		{"call: internal", call, 77},
		{"call: unauthenticated", &callError{status: status.New(codes.Unauthenticated, "")}, 80},
		{"--timeout", &timeoutError{}, 5},

		// Where more than one applies.
		{"interrupted before usage", errors.Join(usage, errInterrupted), 130},
		{"a provider with a mistake in its settings did not start", &startError{err: usage}, 3},
		{"usage before cookie", errors.Join(cookie, usage), 2},
		{"start before timeout", errors.Join(&timeoutError{}, &client.Error{Reason: client.ReasonTimeout}), 3},
		{"tls before timeout", errors.Join(&timeoutError{}, &client.Error{Reason: client.ReasonTLS}), 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(tc.err); got != tc.want {
				t.Errorf("exitCode(%v) = %d, want %d", tc.err, got, tc.want)
			}
		})
	}
}

func TestEndedTellsTimeoutFromInterruption(t *testing.T) {
	t.Parallel()
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	interrupted, interrupt := context.WithCancelCause(t.Context())
	interrupt(errInterrupted)
	almost, cancelAlmost := context.WithTimeout(t.Context(), slack/2)
	t.Cleanup(cancelAlmost)
	far, cancelFar := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancelFar)
	flags := &connectFlags{}
	call := &callError{status: status.New(codes.DeadlineExceeded, "")}
	start := &client.Error{Reason: client.ReasonLine}
	for _, tc := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"all is well", expired, nil, 0},
		{"a call in time", t.Context(), call, 68},
		{"a call after --timeout", expired, call, 5},
		{"a call that the plugin ended just before --timeout", almost, call, 5},
		{"a call that the plugin ended long before --timeout", far, call, 68},
		{"a call after Ctrl-C", interrupted, call, 130},
		{"given up by --timeout", expired, &client.Error{Reason: client.ReasonCanceled, Err: context.DeadlineExceeded}, 3},
		{"ping given up by --timeout", expired, &client.Error{Reason: client.ReasonConnect, Err: status.Error(codes.DeadlineExceeded, "")}, 3},
		{"refused after --timeout", expired, &client.Error{Reason: client.ReasonConnect, Err: errors.New("connection refused")}, 3},
		{"a bad line after --timeout", expired, start, 3},
		{"a bad line after Ctrl-C", interrupted, start, 130},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(flags.ended(tc.ctx, tc.err)); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}
