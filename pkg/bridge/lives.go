package bridge

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/server"
)

const (
	// firstPause and lastPause bound the pauses before a dead program is started
	// again; each is twice as long as the one before.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	// steadyLife is how long a program has to live for its past to be forgotten.
	steadyLife = 10 * time.Second
	// freshDeath is how long after the death of a program a connection that
	// breaks is taken to be that one's, unless the next one has died, too.
	freshDeath = 2 * time.Second
)

// lives is a plain program through its lives: one, and with Config.Restarts
// another after each death.
type lives struct {
	cfg   Config
	run   Config // cfg as it was prepared; of the goroutine that begins lives
	haste *haste
	over  context.Context // ends when no other life will come
	end   context.CancelFunc
	tasks sync.WaitGroup

	mu     sync.Mutex
	left   int // restarts
	pauses *backoff.ExponentialBackOff
	child  *child        // the present one, or the last
	turned chan struct{} // closed, and replaced, when child changes
	before *Error        // how the life before ended, nil without one
	died   time.Time     // when that was
}

func newLives(cfg Config) *lives {
	l := &lives{cfg: cfg, run: cfg, haste: newHaste(), turned: make(chan struct{})}
	l.over, l.end = context.WithCancel(context.Background())
	l.left = cfg.Restarts
	l.pauses = &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	l.child = newChild(cfg, l.haste, l.mourn)
	return l
}

// look reports whether the command can be started at all.
func (l *lives) look() error {
	var first string
	if len(l.cfg.Command) > 0 {
		first = l.cfg.Command[0]
	}
	if _, err := process.Look(first); err != nil {
		return l.child.fail(&Error{Reason: ReasonCommand, Command: l.cfg.name(), Err: err})
	}
	return nil
}

// start begins the first life.
func (l *lives) start(ctx context.Context, host *server.Server) error {
	l.child.attach(host)
	if l.cfg.Prepare != nil {
		l.tasks.Go(func() { l.begin(host) })
		return nil
	}
	if err := l.child.start(ctx, host); err != nil {
		return err
	}
	l.tasks.Go(func() { l.renew(host) })
	return nil
}

// renew begins another life after each death, as often as it may.
func (l *lives) renew(host *server.Server) {
	defer l.end()
	for {
		child, _ := l.present()
		select {
		case <-child.life.Done():
		case <-host.Stopping():
			return
		}
		if l.remaining(child) <= 0 || !l.pause(l.nextPause(), child, host) {
			return
		}
		child.stop()
		next := newChild(l.cfg, l.haste, l.mourn)
		next.run = l.run
		next.attach(host)
		l.turn(next, child.failure())
		if err := next.start(context.Background(), host); err != nil {
			l.cfg.log.Error("the program cannot be started again", event.Failed(event.Child, event.Start), "command", l.cfg.name(), "error", err)
			next.die()
		}
	}
}

// remaining is how often the program may be started again after that life.
func (l *lives) remaining(ended *child) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(ended.began) > steadyLife {
		l.left = l.cfg.Restarts
		l.pauses.Reset()
	}
	return l.left
}

// mourn tells of the last death, as hosts look for it.
func (l *lives) mourn(failure *Error) {
	if child, _ := l.present(); l.remaining(child) > 0 {
		return // pause tells of it
	}
	if l.cfg.CrashReport == io.Discard {
		l.cfg.log.Error("the child has died", event.Failed(event.Child, event.Run), "command", l.cfg.name(), "status", failure.Status.String())
	}
	_, _ = io.WriteString(l.cfg.CrashReport, failure.report())
}

func (l *lives) nextPause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pauses.NextBackOff()
}

// pause waits before another life. It reports false when none is wanted.
func (l *lives) pause(pause time.Duration, child *child, host *server.Server) bool {
	select {
	case <-host.Stopping():
		return false
	default:
	}
	l.cfg.log.Warn("the program is started again", event.Retry(event.Child, event.Start), "command", l.cfg.name(), "pause", pause, "error", child.failure())
	wait := time.NewTimer(pause)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-host.Stopping():
		return false
	case <-l.haste.ctx.Done():
		return false
	}
}

func (l *lives) turn(next *child, before *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left--
	l.child, l.before, l.died = next, before, time.Now()
	close(l.turned)
	l.turned = make(chan struct{})
}

// present returns the present life, and what is closed when it is another.
func (l *lives) present() (*child, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.child, l.turned
}

// dial opens a connection to the program: of a life that will come, if it will.
func (l *lives) dial(ctx context.Context) (net.Conn, error) {
	for {
		child, turned := l.present()
		conn, err := child.dial(ctx)
		if err == nil || child.life.Err() == nil {
			return conn, err
		}
		if !l.await(ctx, turned) {
			return nil, err
		}
	}
}

// await reports whether another life came in place of one that ended.
func (l *lives) await(ctx context.Context, turned <-chan struct{}) bool {
	select {
	case <-turned:
		return true
	case <-l.over.Done():
	case <-ctx.Done():
	}
	return false
}

// check is nil once the present life accepts.
func (l *lives) check(ctx context.Context) error {
	child, _ := l.present()
	return child.check(ctx)
}

// spoke is called when a connection that dial opened is of use.
func (l *lives) spoke() {
	if child, _ := l.present(); child.accepted() {
		child.link.hide()
	}
}

// refuse is the status of calls that the program will not answer, because dial
// failed or a connection broke.
func (l *lives) refuse(ctx context.Context, err error) *status.Status {
	if refusal, ok := status.FromError(err); ok {
		return refusal
	}
	l.mu.Lock()
	child, before, fresh := l.child, l.before, time.Since(l.died) < freshDeath
	l.mu.Unlock()
	if before != nil && fresh && child.demise(ctx) == nil {
		return status.New(l.cfg.DeathCode, before.Error())
	}
	return child.explain(ctx, err)
}

// failure returns why the last life is of no use, nil while it is.
func (l *lives) failure() *Error {
	child, _ := l.present()
	return child.failure()
}

func (l *lives) ended() <-chan struct{} { return l.over.Done() }

func (l *lives) hurry() { l.haste.hurry() }

// stop ends the program and waits for that. The host side was stopped before, if
// it was ever started, so that no other life begins.
func (l *lives) stop() {
	l.tasks.Wait()
	child, _ := l.present()
	child.stop()
	l.run.free()
	l.haste.hurry()
	l.end()
}
