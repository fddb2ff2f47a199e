//go:build unix

package bridge_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// The line does not wait for the child, calls do: until it listens, and until
// it serves what it listens to.
func TestCallsWaitForTheChild(t *testing.T) {
	for name, child := range map[string]childConfig{
		"listens late": {ListenAfter: time.Second},
		"serves late":  {ServeAfter: 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r := newRig(t, child)
			eventually(t, 700*time.Millisecond, "the line is printed", func() bool { return strings.HasSuffix(r.line.String(), "\n") })
			t.Logf("line after %s", time.Since(began))
			var calls sync.WaitGroup
			for i := range 20 {
				calls.Go(func() {
					answer, err := r.Unary(t.Context(), &testpb.Message{Count: int32(i)})
					if err != nil || int(answer.GetCount()) != i {
						t.Errorf("call %d: %v, %v", i, answer, err)
					}
				})
			}
			stream, err := r.Bidi(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				if err := stream.Send(&testpb.Message{Count: int32(i)}); err != nil {
					t.Fatal(err)
				}
			}
			_ = stream.CloseSend()
			for i := range 20 {
				if answer, err := stream.Recv(); err != nil || int(answer.GetCount()) != i {
					t.Fatalf("answer %d: %v, %v", i, answer, err)
				}
			}
			calls.Wait()
			if held := time.Since(began); held < child.ListenAfter+child.ServeAfter {
				t.Errorf("answered after %s, before the child could", held)
			}
		})
	}
}

func TestDeadlineOfAWaitingCall(t *testing.T) {
	r := newRig(t, childConfig{NeverListen: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Unary(ctx, &testpb.Message{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestCommandCannotStart(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	for _, command := range [][]string{nil, {"no-such-program-anywhere"}, {filepath.Dir(self())}, {"./main_test.go"}} {
		var line shared
		cfg := bridge.Config{Command: command}
		cfg.Server = server.Config{Stdout: &line, LookupEnv: func(string) (string, bool) { return "", false }}
		err := bridge.Serve(t.Context(), cfg)
		var typed *bridge.Error
		if !errors.As(err, &typed) || typed.Reason != bridge.ReasonCommand {
			t.Errorf("%q: %v, expected reason %q", command, err, bridge.ReasonCommand)
			continue
		}
		t.Logf("%q: %v [%s]", command, err, typed.Hint())
		if line.String() != "" {
			t.Errorf("%q: %q on stdout", command, line.String())
		}
		if left := entries(t, tmp); len(left) > 0 {
			t.Errorf("%q: left behind: %q", command, left)
		}
	}
	goleak.VerifyNone(t, leaks)
}

// A host with the wrong cookie starts no child.
func TestWrongCookie(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	cfg := bridge.Config{Command: []string{self()}, Env: as("child", childKey, childConfig{})}
	cfg.Server.Cookie = handshake.Cookie{Key: cookieKey, Value: cookieValue}
	cfg.Server.LookupEnv = func(string) (string, bool) { return "crumbs", true }
	err := bridge.Serve(t.Context(), cfg)
	var typed *server.Error
	if !errors.As(err, &typed) || typed.Reason != server.ReasonCookie {
		t.Errorf("got %v", err)
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	goleak.VerifyNone(t, leaks)
}

// Of several faults the one that a person mends first is told: a plugin without
// its host says that it is one, and a program that is not there comes before a
// socket directory that is not.
func TestFaultsInTheirOrder(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	for _, test := range []struct{ name, cookie, command, want string }{
		{"all is wrong", "crumbs", "no-such-program-anywhere", "server " + string(server.ReasonCookie)},
		{"command and directory", cookieValue, "no-such-program-anywhere", "bridge " + string(bridge.ReasonCommand)},
		{"the directory alone", cookieValue, self(), "server " + string(server.ReasonListen)},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := bridge.Config{Command: []string{test.command}, Env: as("child", childKey, childConfig{})}
			cfg.Server.Cookie = handshake.Cookie{Key: cookieKey, Value: cookieValue}
			cfg.Server.LookupEnv = func(key string) (string, bool) {
				value, found := map[string]string{
					cookieKey: test.cookie, handshake.EnvUnixSocketDir: filepath.Join(tmp, "no such directory"),
				}[key]
				return value, found
			}
			_, err := bridge.New(t.Context(), cfg)
			got := ""
			if failed, ok := errors.AsType[*server.Error](err); ok {
				got = "server " + string(failed.Reason)
			}
			if failed, ok := errors.AsType[*bridge.Error](err); ok {
				got += "bridge " + string(failed.Reason)
			}
			if got != test.want {
				t.Errorf("error %v is of %q, expected %q", err, got, test.want)
			}
		})
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	goleak.VerifyNone(t, leaks)
}

// A temporary directory too long for sockets is not used for them.
func TestLongTemporaryDirectory(t *testing.T) {
	r := newRig(t, childConfig{}, func(*bridge.Config) {
		long := filepath.Join(os.Getenv("TMPDIR"), strings.Repeat("d", 150))
		if err := os.Mkdir(long, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(long) })
		t.Setenv("TMPDIR", long)
	})
	r.report()
	left := filepath.Dir(r.b.Line().Address)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q is still there: %v", left, err)
	}
	_ = os.Remove(os.Getenv("TMPDIR"))
}

// A child that listens but speaks no gRPC is not waited for until the timeout.
func TestChildSpeaksNoGRPC(t *testing.T) {
	r := newRig(t, childConfig{NoGRPC: true})
	began := time.Now()
	_, err := r.Unary(t.Context(), &testpb.Message{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), `" closed its connection: `) {
		t.Errorf("got %v", err)
	}
	t.Logf("after %s: %v", time.Since(began), err)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestChildExitsEarly(t *testing.T) {
	r := newRig(t, childConfig{ExitFirst: true, ListenAfter: 300 * time.Millisecond, StderrFirst: []string{"cannot open the", "store: no such thing"}})
	const want = " exited with status 7 before it accepted a connection; its last lines on stderr:\n  cannot open the\n  store: no such thing"
	var held sync.WaitGroup
	for range 10 {
		held.Go(func() {
			_, err := r.Unary(t.Context(), &testpb.Message{})
			if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), want) {
				t.Errorf("a held call: %v", err)
			}
		})
	}
	held.Wait()
	began := time.Now()
	_, err := r.Unary(t.Context(), &testpb.Message{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), want) {
		t.Errorf("a later call: %v", err)
	}
	if took := time.Since(began); took > 200*time.Millisecond {
		t.Errorf("a later call took %s", took)
	}
	var typed *bridge.Error
	if err := r.stop(); !errors.As(err, &typed) || typed.Reason != bridge.ReasonExited || typed.Status.Code != 7 || typed.Accepted {
		t.Errorf("Run: %v", err)
	}
}

func TestChildNeverListens(t *testing.T) {
	r := newRig(t, childConfig{NeverListen: true, StderrFirst: []string{"thinking"}},
		func(c *bridge.Config) { c.ListenTimeout = 300 * time.Millisecond })
	began := time.Now()
	_, err := r.Unary(t.Context(), &testpb.Message{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "did not listen at") || !strings.Contains(err.Error(), "thinking") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	var typed *bridge.Error
	if err := r.stop(); !errors.As(err, &typed) || typed.Reason != bridge.ReasonListen || typed.Hint() == "" {
		t.Errorf("Run: %v", err)
	}
	if r.crash.String() != "" {
		t.Errorf("reported as a crash: %q", r.crash)
	}
}

// The child's socket and nothing else of it is on disk, until the bridge is
// connected; a child may still touch it before it serves.
func TestSocketFileGoes(t *testing.T) {
	r := newRig(t, childConfig{ChmodAfter: 200 * time.Millisecond})
	socket := ""
	for _, entry := range r.report().Environ {
		if path, found := strings.CutPrefix(entry, bridge.EnvChildSocket+"="); found {
			socket = path
		}
	}
	if filepath.Dir(filepath.Dir(socket)) != os.Getenv("TMPDIR") {
		t.Errorf("socket is %q, expected it below %q", socket, os.Getenv("TMPDIR"))
	}
	if canRedialWithoutFile {
		eventually(t, patience, "the socket file is gone", func() bool {
			_, err := os.Lstat(socket)
			return errors.Is(err, os.ErrNotExist)
		})
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Dir(socket)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the private directory is still there: %v", err)
	}
}
