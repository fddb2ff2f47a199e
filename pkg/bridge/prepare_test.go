//go:build unix

package bridge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// preparation is a Prepare that waits until it is let go.
type preparation struct {
	t       *testing.T
	asked   chan []string // the environment that it got
	release chan error    // what it is to return
	gave    atomic.Int32  // how often it was let go of
	env     []string
	command []string
}

func newPreparation(t *testing.T) *preparation {
	return &preparation{t: t, asked: make(chan []string, 2), release: make(chan error, 1), command: []string{self()}}
}

func (p *preparation) prepare(ctx context.Context, preparation bridge.Preparation) (bridge.Prepared, error) {
	p.asked <- preparation.Environ
	select {
	case err := <-p.release:
		return bridge.Prepared{Command: p.command, Env: p.env, Release: func() { p.gave.Add(1) }}, err
	case <-ctx.Done():
		return bridge.Prepared{}, ctx.Err()
	}
}

func (p *preparation) into(cfg *bridge.Config) { cfg.Prepare = p.prepare }

// begun waits until it is called and returns the environment.
func (p *preparation) begun() []string {
	p.t.Helper()
	select {
	case environ := <-p.asked:
		return environ
	case <-time.After(patience):
		p.t.Fatal("Prepare was not called")
		return nil
	}
}

// Calls wait for the preparation, and then are the prepared program's.
func TestPrepare(t *testing.T) {
	p := newPreparation(t)
	p.env = []string{"PREPARED=yes", "BOTH=prepared"}
	t.Setenv("PLUGIN_CLIENT_CERT", "the host's")
	r := newRig(t, childConfig{StderrFirst: []string{"born"}}, p.into, func(c *bridge.Config) {
		c.Command = []string{"sh", "-c", "echo not prepared >&2; exit 3"}
		c.Env = append(c.Env, "BOTH=config")
		c.Restarts = 1
	})
	environ := p.begun()
	if !slices.Contains(environ, "BOTH=config") || slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, "PLUGIN_") }) {
		t.Errorf("it is prepared with %q, want the program's environment and nothing of the host's", environ)
	}
	reports := make(chan childReport, 1)
	go func() { reports <- r.report() }()
	select {
	case report := <-reports:
		t.Fatalf("process %d answered before it was prepared", report.Pid)
	case <-time.After(100 * time.Millisecond): // a moment for what must not happen
	}
	p.release <- nil
	report := <-reports
	for _, want := range []string{"PREPARED=yes", "BOTH=config"} {
		if !slices.Contains(report.Environ, want) {
			t.Errorf("the program lacks %s", want)
		}
	}
	died(t, "the call", second(r.Unary(asking(t.Context(), "kill"), &testpb.Message{})))
	if again := r.report(); again.Pid == report.Pid || !slices.Contains(again.Environ, "PREPARED=yes") {
		t.Errorf("the next life is process %d after %d, with %q", again.Pid, report.Pid, again.Environ)
	}
	if len(p.asked) > 0 {
		t.Error("it was prepared again")
	}
	if given := p.gave.Load(); given != 0 {
		t.Errorf("let go of %d times while the program lives", given)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if given := p.gave.Load(); given != 1 {
		t.Errorf("let go of %d times, want once", given)
	}
}

// hinted is an error with advice.
type hinted struct{ error }

func (hinted) Hint() string { return "pack it again" }

// What keeps a program from being prepared is what every call is told.
func TestPrepareFails(t *testing.T) {
	p := newPreparation(t)
	r := newRig(t, childConfig{}, p.into, func(c *bridge.Config) { c.Restarts = 5 })
	p.begun()
	waiting := make(chan error, 1)
	go func() { waiting <- second(r.Unary(t.Context(), &testpb.Message{})) }()
	cause := hinted{errors.New("nothing is there; its last lines:\n  ERROR: no")}
	p.release <- cause
	for what, err := range map[string]error{"the waiting call": <-waiting, "a later call": second(r.Unary(t.Context(), &testpb.Message{}))} {
		want := `cannot be prepared: nothing is there; its last lines:` + "\n  ERROR: no\npack it again"
		if status.Code(err) != codes.Internal || !strings.HasSuffix(status.Convert(err).Message(), want) {
			t.Errorf("%s: %v, want Internal with %q", what, err, want)
		}
	}
	failed, ok := errors.AsType[*bridge.Error](r.stop())
	if !ok || failed.Reason != bridge.ReasonSetup || !errors.Is(failed, cause) || failed.Hint() != "pack it again" || failed.Accepted {
		t.Errorf("Run returned %v", r.err)
	}
	if len(p.asked) > 0 {
		t.Error("it was prepared again")
	}
	if !r.logs.has("ERROR the program cannot be prepared") {
		t.Error("the log does not tell")
	}
}

// What was prepared cannot be started.
func TestPreparedIsNotThere(t *testing.T) {
	p := newPreparation(t)
	p.command = []string{"/nowhere/python"}
	r := newRig(t, childConfig{}, p.into)
	p.release <- nil
	if err := second(r.Unary(t.Context(), &testpb.Message{})); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "/nowhere/python") {
		t.Errorf("got %v", err)
	}
	if failed, ok := errors.AsType[*bridge.Error](r.stop()); !ok || failed.Reason != bridge.ReasonCommand {
		t.Errorf("Run returned %v", r.err)
	}
	if given := p.gave.Load(); given != 1 || !r.logs.has("ERROR the program cannot be started") {
		t.Errorf("let go of %d times, want once, and a log that tells", given)
	}
}

// What the preparation takes is not part of the time that the program has.
func TestListenTimeoutBeginsWithTheProgram(t *testing.T) {
	const timeout = 300 * time.Millisecond
	p := newPreparation(t)
	r := newRig(t, childConfig{NeverListen: true}, p.into, func(c *bridge.Config) { c.ListenTimeout = timeout })
	p.begun()
	time.Sleep(timeout) // longer than the program may take
	released := time.Now()
	p.release <- nil
	err := second(r.Unary(t.Context(), &testpb.Message{}))
	if took := time.Since(released); took < timeout || !strings.Contains(status.Convert(err).Message(), "within 300ms") {
		t.Errorf("after %s: %v, want the program's own %s", took, err, timeout)
	}
}

// Standalone nobody calls: Run ends.
func TestPrepareFailsStandalone(t *testing.T) {
	p := newPreparation(t)
	r := newRig(t, childConfig{}, p.into, func(c *bridge.Config) { c.EndWithChild = true })
	p.release <- errors.New("no")
	if failed, ok := errors.AsType[*bridge.Error](r.wait()); !ok || failed.Reason != bridge.ReasonSetup {
		t.Errorf("Run returned %v", r.err)
	}
}

// A stop ends the preparation.
func TestStopWhilePreparing(t *testing.T) {
	for name, stop := range map[string]func(*bridge.Bridge){"stop": (*bridge.Bridge).Stop, "kill": (*bridge.Bridge).Kill} {
		t.Run(name, func(t *testing.T) {
			p := newPreparation(t)
			r := newRig(t, childConfig{}, p.into)
			p.begun()
			stop(r.b)
			if err := r.wait(); err != nil {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	t.Run("close", func(t *testing.T) {
		leaks := goleak.IgnoreCurrent()
		tmp := privateTemp(t)
		p := newPreparation(t)
		cfg := bridge.Config{Command: []string{self()}, Prepare: p.prepare}
		cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
		b, err := bridge.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.begun()
		b.Close()
		if left := entries(t, tmp); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		goleak.VerifyNone(t, leaks)
	})
}

// A native program is prepared before New returns.
func TestPrepareNative(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	p := newPreparation(t)
	cfg := bridge.Config{Command: []string{self()}, Kind: bridge.KindNative, Prepare: p.prepare}
	cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
	for name, end := range map[string]func(context.CancelFunc){
		"fails": func(context.CancelFunc) { p.release <- errors.New("no") },
		"stops": func(cancel context.CancelFunc) { cancel() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := bridge.New(ctx, cfg)
			ended <- err
		}()
		p.begun()
		end(cancel)
		if failed, ok := errors.AsType[*bridge.Error](<-ended); !ok || failed.Reason != bridge.ReasonSetup {
			t.Errorf("%s: New returned %v", name, failed)
		}
		cancel()
	}
	p.command, p.env = []string{"sh", "-c", "echo prepared $PREPARED >&2; exit 3"}, []string{"PREPARED=well"}
	p.release <- nil
	_, err := bridge.New(t.Context(), cfg)
	if failed, ok := errors.AsType[*bridge.Error](err); !ok || failed.Reason != bridge.ReasonHandshake || !slices.Contains(failed.Stderr, "prepared well") {
		t.Errorf("New returned %v, want the words of the prepared program", err)
	}
	if given := p.gave.Load(); given != 1 {
		t.Errorf("let go of %d times, want once", given)
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	goleak.VerifyNone(t, leaks)
}
