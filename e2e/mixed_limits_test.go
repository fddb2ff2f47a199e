//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// eachLanguage runs a test with a child of each library whose server does things by
// its options.
func eachLanguage(t *testing.T, test func(*testing.T, mixedLanguage)) {
	t.Helper()
	for _, child := range []mixedLanguage{mixedPython, mixedNode} {
		t.Run(child.name, func(t *testing.T) { test(t, child) })
	}
}

// A child that gives up its connections again and again, by GOAWAY, loses no call
// that it has taken. Node refuses what comes while its GOAWAY travels; grpc-go
// makes such a call again by itself, once.
func TestMixedConnectionAge(t *testing.T) {
	eachLanguage(t, func(t *testing.T, child mixedLanguage) {
		r := newMixedRig(t, child.with(map[string]any{
			"grpc.max_connection_age_ms": 200, "grpc.max_connection_age_grace_ms": 60_000,
		}), false, 2)
		r.refuses = true
		r.mixed(3000)
		if n := r.goodbyes(); n < 5 {
			t.Errorf("%d connections were given up, expected 5 at least", n)
		}
		r.stop()
	})
}

// goodbyes counts what the log says of GOAWAY.
func (r *mixedRig) goodbyes() int {
	return len(regexp.MustCompile(`msg=GOAWAY .*peer=child`).FindAllString(r.log.String(), -1))
}

// A child that asks every moment whether the other side lives is answered.
func TestMixedKeepalive(t *testing.T) {
	eachLanguage(t, func(t *testing.T, child mixedLanguage) {
		r := newMixedRig(t, child.with(map[string]any{
			"grpc.keepalive_time_ms": 100, "grpc.keepalive_timeout_ms": 1000, "grpc.http2.max_pings_without_data": 0,
		}), false, 1)
		if _, err := r.echo[0].Unary(t.Context(), &testpb.Message{DelayMs: 3000}); err != nil {
			t.Errorf("a call of three seconds: %v", err)
		}
		r.stop()
	})
}

// A child that serves three calls at a time gets the next ones when it can take
// them, in time, and not those that were given up meanwhile. grpcio would refuse
// most of them, without a bridge as well: to it a call runs until its memory is
// free again, unless it is told otherwise.
func TestMixedConcurrentStreams(t *testing.T) {
	const callers, calls, most, delay = 50, 4, 3, 10
	eachLanguage(t, func(t *testing.T, child mixedLanguage) {
		r := newMixedRig(t, child.with(map[string]any{
			"grpc.max_concurrent_streams": most, "grpc.http.overload_protection": 0,
		}), false, 1)
		r.totals() // the child serves, and its limit is known
		began := time.Now()
		var calling sync.WaitGroup
		for caller := range callers {
			calling.Go(func() {
				for range calls {
					if caller%10 == 0 {
						ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "do", "hang"), delay*time.Millisecond)
						_, err := r.echo[0].Unary(ctx, &testpb.Message{})
						cancel()
						if status.Code(err) != codes.DeadlineExceeded {
							t.Errorf("a call that was given up: %v", err)
						}
						continue
					}
					ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "counted", "1"), patience)
					_, err := r.echo[0].Unary(ctx, &testpb.Message{DelayMs: delay})
					cancel()
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		calling.Wait()
		const answered = callers * calls * 9 / 10
		took := time.Since(began)
		t.Logf("%d calls of %d ms, %d at a time, took %s", answered, delay, most, took)
		if took < answered/most*delay*time.Millisecond {
			t.Error("the limit was not in force")
		}
		if got := r.totals().Calls; got != answered {
			t.Errorf("the child has answered %d calls, expected %d", got, answered)
		}
		r.stop()
	})
}

// Every call that runs when a child is killed ends with what has killed it.
func TestMixedChildKilled(t *testing.T) {
	const callers = 50
	eachLanguage(t, func(t *testing.T, child mixedLanguage) {
		r := newMixedRig(t, child, false, 4)
		r.dies = true
		pid := r.totals().Pid
		ends := make(chan error, callers)
		for caller := range callers {
			go func() { ends <- r.untilFailure(t.Context(), caller) }()
		}
		if !until(patience, func() bool { return r.totals().Open > callers/2 }) {
			t.Error("the calls do not run")
		}
		r.try(syscall.Kill(pid, syscall.SIGKILL))
		began := time.Now()
		for range callers {
			err := <-ends
			if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "was killed by SIGKILL") {
				t.Errorf("got %v, expected Internal and the signal", err)
			}
		}
		t.Logf("all calls ended after %s", time.Since(began))
		r.stop()
	})
}

// untilFailure makes calls of several kinds until one fails.
func (r *mixedRig) untilFailure(ctx context.Context, caller int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	echo := r.echo[caller%len(r.echo)]
	if caller%3 != 0 { // one call that is never answered
		_, err := echo.Unary(metadata.AppendToOutgoingContext(ctx, "do", "hang"), &testpb.Message{})
		return err
	}
	stream, err := echo.Bidi(ctx)
	for err == nil {
		_ = stream.Send(&testpb.Message{Payload: make([]byte, 10_000)}) // Recv tells why
		_, err = stream.Recv()
	}
	return err
}

// A message beyond the limit that a child has not raised is refused by it, with
// advice; one of 64 MB passes both ways when it has.
func TestMixedLargeMessages(t *testing.T) {
	eachLanguage(t, func(t *testing.T, child mixedLanguage) {
		r := newMixedRig(t, child, false, 1)
		payload := bytes.Repeat([]byte("sixteen bytes.. "), 4_000_000)
		answer, err := r.echo[0].Unary(t.Context(), &testpb.Message{Payload: payload})
		if err != nil || !bytes.Equal(answer.GetPayload(), payload) {
			t.Errorf("64 MB: %v", err)
		}
		r.stop()

		r = newMixedRig(t, child.with(map[string]any{"grpc.max_receive_message_length": nil}), false, 1)
		_, err = r.echo[0].Unary(t.Context(), &testpb.Message{Payload: payload[:5_000_000]})
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "4 MiB unless the program raises that") {
			t.Errorf("5 MB: %v, expected ResourceExhausted with advice", err)
		}
		t.Log(err)
		stream, err := r.echo[0].Bidi(t.Context())
		r.try(err)
		_ = stream.Send(&testpb.Message{Payload: payload[:5_000_000]})
		_, err = stream.Recv()
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "4 MiB unless the program raises that") {
			t.Errorf("5 MB in a stream: %v, expected ResourceExhausted with advice", err)
		}
		r.stop()
	})
}
