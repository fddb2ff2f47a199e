//go:build unix

package bridge_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// hostWait is how long a go-plugin host waits after Shutdown before it kills.
const hostWait = 2 * time.Second

// shutdown calls Shutdown as a host does and returns how long the end took. The
// answer comes before it: a plugin that ended first would not give one.
func shutdown(t *testing.T, r *rig) time.Duration {
	t.Helper()
	began := time.Now()
	if err := services.Shutdown(t.Context(), r.conn); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	answered := time.Since(began)
	if err := r.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	ended := time.Since(began)
	t.Logf("Shutdown answered after %s, all ended after %s", answered, ended)
	if ended >= hostWait {
		t.Errorf("the stop took %s", ended)
	}
	return ended
}

// patient gives running calls a grace that outlasts every test.
func patient(cfg *bridge.Config) { cfg.Server.Grace = time.Hour }

func TestShutdown(t *testing.T) {
	r := newRig(t, childConfig{})
	r.report()
	shutdown(t, r)
	if !r.logs.has("INFO asked to end") {
		t.Error("the child got no SIGTERM")
	}
}

// Shutdown before the child accepts: a call that waits for it ends.
func TestShutdownBeforeTheChildListens(t *testing.T) {
	r := newRig(t, childConfig{NeverListen: true})
	held := make(chan error, 1)
	go func() {
		_, err := r.Unary(t.Context(), &testpb.Message{})
		held <- err
	}()
	shutdown(t, r)
	if err := <-held; err == nil {
		t.Error("the held call was answered")
	}
}

func TestShutdownOfAStubbornChild(t *testing.T) {
	r := newRig(t, childConfig{IgnoreTerm: true, Grandchild: true})
	child := r.report()
	if !alive(child.Grandchld) {
		t.Fatal("there is no grandchild")
	}
	if ended := shutdown(t, r); ended < 400*time.Millisecond {
		t.Errorf("the child got only %s to end", ended)
	}
	// A grandchild is killed, but only its own parent could wait for its end.
	eventually(t, hostWait, "child and grandchild are gone", func() bool {
		return !alive(child.Pid) && !alive(child.Grandchld)
	})
}

// A running call may end within the grace, before the child gets SIGTERM.
func TestRunningCallGetsTheGrace(t *testing.T) {
	r := newRig(t, childConfig{})
	r.report()
	calls := make(chan error, 2)
	start := func(delay int32) {
		stream, err := r.Bidi(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		turn(t, stream.Send, stream.Recv) // it has reached the child
		if err := stream.Send(&testpb.Message{DelayMs: delay}); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := stream.Recv()
			_ = stream.CloseSend()
			calls <- err
		}()
	}
	start(100)
	start(60_000)
	ended := shutdown(t, r)
	if ended < 900*time.Millisecond {
		t.Errorf("all ended after %s, expected the grace", ended)
	}
	if err := <-calls; err != nil {
		t.Errorf("the short call: %v", err)
	}
	if err := <-calls; status.Code(err) == codes.OK {
		t.Error("the long call was answered")
	}
}

// Kill waits for no running call, however long its grace is.
func TestKill(t *testing.T) {
	r := newRig(t, childConfig{IgnoreTerm: true, Grandchild: true}, patient)
	child := r.report()
	stream, err := r.Bidi(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	turn(t, stream.Send, stream.Recv)
	began := time.Now()
	r.b.Stop()
	r.b.Kill()
	r.b.Kill()
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	t.Logf("killed after %s", took)
	if took >= hostWait {
		t.Errorf("Kill took %s", took)
	}
	// A grandchild is killed, but only its own parent could wait for its end.
	eventually(t, hostWait, "child and grandchild are gone", func() bool {
		return !alive(child.Pid) && !alive(child.Grandchld)
	})
}

// A host that goes away in the middle of an answer costs the stop no time.
func TestStopAfterTheHostIsGone(t *testing.T) {
	r := newRig(t, childConfig{}, patient)
	for range 8 {
		stream, err := r.Server(t.Context(), &testpb.Message{Payload: make([]byte, 100_000), Count: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	_ = r.conn.Close()
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took >= hostWait {
		t.Errorf("the stop took %s", took)
	}
}

// A bridge that never runs leaves nothing either.
func TestCloseWithoutRun(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	cfg := bridge.Config{Command: []string{self()}, Env: as("child", childKey, childConfig{IgnoreTerm: true})}
	cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
	b, err := bridge.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	b.Close()
	b.Close()
	if took := time.Since(began); took >= hostWait {
		t.Errorf("Close took %s", took)
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	goleak.VerifyNone(t, leaks)
}
