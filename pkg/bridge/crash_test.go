//go:build unix

package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// A child that dies in the middle of calls: all of them, and all later ones,
// say how and with which last words.
func TestCrashInACall(t *testing.T) {
	for do, want := range map[string]struct{ sentence, words string }{
		"exit":  {`" exited with status 3`, "first word\n  last word"},
		"kill":  {`" was killed by SIGKILL`, "born"},
		"panic": {`" exited with status 2`, "panic: out of cheese"},
	} {
		t.Run(do, func(t *testing.T) {
			r := newRig(t, childConfig{StderrFirst: []string{"born"}})
			isCrash := func(what string, err error) {
				t.Helper()
				text := status.Convert(err).Message()
				if status.Code(err) != codes.Internal || !strings.Contains(text, want.sentence) || !strings.Contains(text, want.words) {
					t.Errorf("%s: %v, expected %q and %q", what, err, want.sentence, want.words)
				}
			}
			stream, err := r.Bidi(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			turn(t, stream.Send, stream.Recv)
			began := time.Now()
			_, err = r.Unary(asking(t.Context(), do), &testpb.Message{})
			t.Logf("the crash was known after %s: %v", time.Since(began), err)
			isCrash("unary", err)
			_, err = stream.Recv()
			isCrash("stream", err)
			began = time.Now()
			_, err = r.Unary(t.Context(), &testpb.Message{})
			isCrash("later call", err)
			if took := time.Since(began); took >= hostWait {
				t.Errorf("a later call took %s", took)
			}
			report := r.crash.String()
			if !strings.HasPrefix(report, "panic: the plugin's program ") || !strings.Contains(report, want.sentence) || !strings.HasSuffix(report, "\n") {
				t.Errorf("crash report: %q", report)
			}
			if n := strings.Count(report, "panic: the plugin's program"); n != 1 {
				t.Errorf("%d crash reports", n)
			}
			var typed *bridge.Error
			if err := r.stop(); !errors.As(err, &typed) || typed.Reason != bridge.ReasonExited || !typed.Accepted {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestEndWithChild(t *testing.T) {
	for set, want := range map[codes.Code]codes.Code{codes.OK: codes.Internal, codes.Unavailable: codes.Unavailable} {
		r := newRig(t, childConfig{}, func(c *bridge.Config) { c.EndWithChild, c.DeathCode = true, set })
		_, err := r.Unary(asking(t.Context(), "exit"), &testpb.Message{})
		if status.Code(err) != want || !strings.Contains(err.Error(), "exited with status 3") {
			t.Errorf("got %v, expected the code %s", err, want)
		}
		var typed *bridge.Error
		if err := r.wait(); !errors.As(err, &typed) || typed.Status.Code != 3 { // nobody has called Stop
			t.Errorf("Run: %v", err)
		}
	}
}

// Each end of Run's context is a stop like any other.
func TestRunEndsWithItsContext(t *testing.T) {
	tmp := privateTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	var line shared
	cfg := bridge.Config{Command: []string{self()}, Env: as("child", childKey, childConfig{})}
	cfg.Server.Stdout = &line
	cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
	ran := make(chan error, 1)
	go func() { ran <- bridge.Serve(ctx, cfg) }()
	eventually(t, patience, "the line is printed", func() bool { return line.String() != "" })
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
