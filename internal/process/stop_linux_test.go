package process

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestSignalReachesGroup(t *testing.T) {
	tt := newTether(t)
	p := start(t, tt.role(t, "leader", "stubborn"))
	grandchild := tt.join(t, "stubborn")
	tt.join(t, "leader")
	if group, err := syscall.Getpgid(grandchild.pid); err != nil || group != p.Pid() {
		t.Fatalf("grandchild is in group %d, %v, want %d", group, err, p.Pid())
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	poll(t, "the grandchild to stop", func() bool { return state(grandchild.pid) == 'T' })
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	grandchild.awaitEnd(t, "grandchild")
	got := awaitExit(t, p)
	if want := (Status{Code: -1, Signal: "SIGKILL"}); got != want {
		t.Errorf("status is %+v, want %+v", got, want)
	}
}

func TestKillReachesChildThatLeftItsGroup(t *testing.T) {
	for name, kill := range map[string]func(*Process) error{
		"kill":   (*Process).Kill,
		"signal": func(p *Process) error { return p.Signal(syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTether(t)
			p := start(t, tt.role(t, "deserter"))
			child := tt.join(t, "deserter")
			if group, err := syscall.Getpgid(child.pid); err != nil || group == p.Pid() {
				t.Fatalf("child is in group %d still, %v", group, err)
			}
			if err := kill(p); err != nil {
				t.Fatal(err)
			}
			if got := awaitExit(t, p).Signal; got != "SIGKILL" {
				t.Errorf("child was ended by %q", got)
			}
		})
	}
}

func TestSignalErrors(t *testing.T) {
	p := start(t, Config{Command: []string{"cat"}})
	for _, sig := range []os.Signal{nil, foreignSignal{}, syscall.Signal(1000)} {
		err := p.Signal(sig)
		var typed *Error
		if !errors.As(err, &typed) || typed.Reason != ReasonSignal {
			t.Errorf("signal %v: error is %v", sig, err)
		}
	}
	_ = p.Kill()
	awaitExit(t, p)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("signal after the exit: %v", err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("kill after the exit: %v", err)
	}
}

type foreignSignal struct{}

func (foreignSignal) String() string { return "foreign" }
func (foreignSignal) Signal()        {}

func TestRestOfGroupEndsWithLeader(t *testing.T) {
	tt := newTether(t)
	p := start(t, tt.role(t, "leader", "stubborn"))
	grandchild := tt.join(t, "stubborn") // which ignores SIGTERM
	tt.join(t, "leader")
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, want := awaitExit(t, p), (Status{}); got != want {
		t.Errorf("status is %+v, want %+v", got, want)
	}
	grandchild.awaitEnd(t, "grandchild")
}

func TestStop(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	const long = time.Hour
	for _, c := range []struct {
		name, role string
		ctx        context.Context
		grace      time.Duration
		want       Status
	}{
		{"ends when asked to", "graceful", t.Context(), long, Status{Code: 7}},
		{"ignores SIGTERM", "stubborn", t.Context(), 30 * time.Millisecond, Status{Code: -1, Signal: "SIGKILL"}},
		{"no grace", "stubborn", t.Context(), 0, Status{Code: -1, Signal: "SIGKILL"}},
		{"context is done", "stubborn", cancelled, long, Status{Code: -1, Signal: "SIGKILL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := newTether(t)
			p := start(t, tt.role(t, c.role))
			tt.join(t, c.role)
			if got := p.Stop(c.ctx, c.grace); got != c.want {
				t.Errorf("status is %+v, want %+v", got, c.want)
			}
			select {
			case <-p.Exited():
			default:
				t.Error("Stop returned before the child was reaped")
			}
			if got := p.Stop(c.ctx, c.grace); got != c.want {
				t.Errorf("second Stop returns %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestStopGivesTheWholeGrace(t *testing.T) {
	tt := newTether(t)
	p := start(t, tt.role(t, "stubborn"))
	tt.join(t, "stubborn")
	const grace = 100 * time.Millisecond
	begin := time.Now()
	p.Stop(t.Context(), grace)
	if took := time.Since(begin); took < grace {
		t.Errorf("killed after %v, want a grace of %v", took, grace)
	}
}

func TestEverybodyStopsAtOnce(t *testing.T) {
	for range 20 {
		p, err := Start(Config{Command: []string{"cat"}, Guard: true})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for _, act := range []func(){
			func() { _ = p.Kill() },
			func() { _ = p.Signal(syscall.SIGTERM) },
			func() { p.Stop(t.Context(), time.Millisecond) },
			func() { p.Status() },
			func() { _, _ = p.Stdout().Read(make([]byte, 1)) },
			func() { p.Close() },
			func() { p.Close() },
		} {
			all.Go(act)
		}
		all.Wait()
		if got := p.Status(); got.Signal != "SIGKILL" && got.Signal != "SIGTERM" {
			t.Errorf("status is %+v", got)
		}
	}
}

func TestStolenStatusIsUnknown(t *testing.T) {
	p := start(t, Config{Command: []string{"cat"}})
	var stolen syscall.WaitStatus
	p.stdin.Close()
	// Either of us may be first; if this call is, the package must cope.
	pid, err := syscall.Wait4(p.Pid(), &stolen, 0, nil)
	got := awaitExit(t, p)
	if want := unknownStatus(); pid == p.Pid() && got != want {
		t.Errorf("status is %+v, want %+v", got, want)
	}
	if want := (Status{}); err != nil && got != want {
		t.Errorf("status is %+v, want %+v", got, want)
	}
}
