//go:build unix

package bridge_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// A program that dies is started again as often as it may be: the call in which
// it dies is told, the next one waits for the new life. After the last death
// calls fail at once, and the crash is reported for hosts.
func TestRestart(t *testing.T) {
	const restarts = 2
	r := newRig(t, childConfig{StderrFirst: []string{"born"}}, func(c *bridge.Config) { c.Restarts = restarts })
	seen := map[int]bool{r.report().Pid: true}
	for life := range restarts {
		stream, err := r.Bidi(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		turn(t, stream.Send, stream.Recv)
		died(t, "the call", second(r.Unary(asking(t.Context(), "kill"), &testpb.Message{})))
		died(t, "the stream", second(stream.Recv()))
		if answer, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte("again")}); err != nil || string(answer.GetPayload()) != "again" {
			t.Fatalf("after death %d: %v, %v", life+1, answer, err)
		}
		if pid := r.report().Pid; seen[pid] {
			t.Errorf("after death %d the program is still process %d", life+1, pid)
		} else {
			seen[pid] = true
		}
		if report := r.crash.String(); report != "" {
			t.Errorf("after death %d of %d a crash is reported: %q", life+1, restarts+1, report)
		}
	}
	died(t, "the last call", second(r.Unary(asking(t.Context(), "kill"), &testpb.Message{})))
	began := time.Now()
	died(t, "a later call", second(r.Unary(t.Context(), &testpb.Message{})))
	if took := time.Since(began); took >= hostWait {
		t.Errorf("a later call took %s", took)
	}
	if report := r.crash.String(); !strings.HasPrefix(report, "panic: the plugin's program ") {
		t.Errorf("crash report: %q", report)
	}
}

// A stop does not wait for a program that is about to be started again.
func TestStopBetweenLives(t *testing.T) {
	r := newRig(t, childConfig{ExitFirst: true}, func(c *bridge.Config) { c.Restarts = 1000 })
	eventually(t, patience, "several lives", func() bool { return strings.Count(r.logs.String(), "child started") > 3 })
	call := make(chan error, 1)
	go func() { call <- second(r.Unary(t.Context(), &testpb.Message{})) }()
	began := time.Now()
	if err := r.stop(); err != nil && !strings.Contains(err.Error(), "exited with status 7") {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took >= hostWait {
		t.Errorf("the stop took %s", took)
	}
	select {
	case err := <-call:
		if err == nil {
			t.Error("the call was answered")
		}
	case <-time.After(patience):
		t.Error("the call did not end")
	}
}

// Deaths that follow each other fast are told apart.
func TestEachDeathIsTold(t *testing.T) {
	r := newRig(t, childConfig{StderrFirst: []string{"born"}}, func(c *bridge.Config) { c.Restarts = 2 })
	died(t, "the first life", second(r.Unary(asking(t.Context(), "kill"), &testpb.Message{})))
	err := second(r.Unary(asking(t.Context(), "exit"), &testpb.Message{}))
	if text := status.Convert(err).Message(); !strings.Contains(text, "exited with status 3") || !strings.Contains(text, "last word") {
		t.Errorf("the second life: %v, expected how that one ended", err)
	}
}

// Calls and questions about the schema come while lives change: for the race
// detector.
func TestAskedBetweenLives(t *testing.T) {
	r := newRig(t, childConfig{}, func(c *bridge.Config) { c.Restarts = 100 })
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, call := range []func(){
		func() { _ = second(r.Unary(ctx, &testpb.Message{})) },
		func() { _ = second(grpcreflect.NewClientAuto(ctx, r.conn).ListServices()) },
	} {
		callers.Go(func() {
			for ctx.Err() == nil {
				call()
			}
		})
	}
	eventually(t, patience, "several lives", func() bool {
		_ = second(r.Unary(asking(t.Context(), "kill"), &testpb.Message{}))
		return strings.Count(r.logs.String(), "child started") > 4
	})
	cancel()
	callers.Wait()
}

func second[T any](_ T, err error) error { return err }

func died(t *testing.T, what string, err error) {
	t.Helper()
	text := status.Convert(err).Message()
	if status.Code(err) != codes.Internal || !strings.Contains(text, "was killed by SIGKILL") || !strings.Contains(text, "born") {
		t.Errorf("%s: %v, expected Internal, how the program died, and its last words", what, err)
	}
}
