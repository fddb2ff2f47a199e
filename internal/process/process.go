package process

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pyvider/rpcplugin/internal/event"
)

// Process is a child that was started. Whoever started it must call
// [Process.Close]. Its methods may be called by several goroutines at once.
type Process struct {
	pid    int
	logger *slog.Logger
	guard  *guardian
	stdin  *os.File // held open while the child runs, never written
	stdout *output
	stderr *output

	exited  chan struct{} // closed when status is set and the child is reaped
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed when run has returned
	status  Status
	retired atomic.Bool // Retire was called

	mu     sync.Mutex // serializes signals and the reaping
	group  *group
	reaped bool // the ids of child and group are no longer ours

	closeOnce sync.Once
	closeErr  error
}

// Start starts a child. It returns when the program is executing, or with an
// error of type [*Error] when there is none and nothing is left behind.
func Start(cfg Config) (*Process, error) {
	cfg = cfg.withDefaults()
	cmd, err := cfg.command()
	if err != nil {
		return nil, err
	}
	group, err := newGroup()
	if err != nil {
		return nil, startError(cfg.Command[0], cmd.Path, err)
	}
	group.prepare(cmd)
	ours, theirs, err := openPipes()
	if err != nil {
		group.release()
		return nil, startError(cfg.Command[0], cmd.Path, err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p := &Process{
		logger: cfg.Logger, group: group, guard: newGuardian(cfg),
		stdin: ours[0], stdout: &output{file: ours[1]}, stderr: &output{file: ours[2]},
		exited: make(chan struct{}), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	started := make(chan error, 1)
	go p.run(cmd, started)
	err = <-started
	closeAll(theirs[:])
	if err != nil {
		<-p.ended
		closeAll(ours[:])
		p.guard.discard()
		group.release()
		return nil, startError(cfg.Command[0], cmd.Path, err)
	}
	p.guard.watch(p.pid)
	return p, nil
}

// openPipes returns three pipes: their ends are the child's standard files.
// Both ends are marked to be closed in every process that is started.
func openPipes() (ours, theirs [3]*os.File, err error) {
	for i := range ours {
		reader, writer, err := os.Pipe()
		if err != nil {
			closeAll(ours[:i])
			closeAll(theirs[:i])
			return ours, theirs, err
		}
		ours[i], theirs[i] = reader, writer
		if i == 0 {
			ours[i], theirs[i] = writer, reader
		}
	}
	return ours, theirs, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// run is the one goroutine of a child, from the fork to the end of its outputs.
//
// The child gets the parent-death signal when the thread that forked it ends.
// So this goroutine keeps its thread, which nothing else can end then, until
// the child has exited.
func (p *Process) run(cmd *exec.Cmd, started chan<- error) {
	defer close(p.ended)
	runtime.LockOSThread()
	err := p.launch(cmd)
	started <- err
	if err == nil {
		p.reap(cmd)
	}
	runtime.UnlockOSThread()
	if err == nil {
		p.endOutputs()
	}
}

func (p *Process) launch(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	if err := p.group.adopt(cmd.Process); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	return nil
}

// reap waits for the child, ends the rest of its group and publishes the
// status. The order matters: see the package documentation.
func (p *Process) reap(cmd *exec.Cmd) {
	err := p.group.awaitExit()
	if err != nil {
		// The child cannot be observed without being reaped: it already was,
		// by another part of this program, or the system forbids to look.
		p.logger.Debug("child is reaped before its group", event.Failed(event.Child, event.Clean), "pid", p.pid, "error", err)
		p.wait(cmd)
	}
	p.mu.Lock()
	p.group.killRest()
	p.guard.forget(p.retired.Load())
	if err == nil {
		p.wait(cmd)
	}
	p.reaped = true
	p.group.release()
	p.mu.Unlock()
	p.stdin.Close()
	p.status = statusOf(cmd.ProcessState)
	close(p.exited)
}

// wait reaps the child.
func (p *Process) wait(cmd *exec.Cmd) {
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.logger.Debug("status of child is unknown", event.Failed(event.Child, event.Run), "pid", p.pid, "error", err)
	}
}

// Retire says that the child is about to end and that Close will follow at once.
// The guardian then goes as soon as the group is gone, at the same time as the
// rest is cleaned up: should this process be killed in that moment, the
// directories stay.
func (p *Process) Retire() { p.retired.Store(true) }

// Pid returns the process id of the child, which is also the id of its group.
// It stays the same after the exit, when it may have another owner.
func (p *Process) Pid() int { return p.pid }

// Stdout returns what the child and its descendants write to standard output.
// It ends with [io.EOF] when all of them have closed it, and 500 ms after the
// exit of the child or at Close even if somebody holds it open; what was
// written by then can be read in any case, up to 1 MiB. Somebody must read
// while the child runs: its writes block when the pipe is full.
func (p *Process) Stdout() io.Reader { return p.stdout }

// Stderr is to standard error what [Process.Stdout] is to standard output.
func (p *Process) Stderr() io.Reader { return p.stderr }

// Exited is closed when the child has ended and was reaped. By then the rest of
// its group has been sent SIGKILL.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Status says how the child ended. Before [Process.Exited] is closed, and if
// somebody else in this process reaped the child, it is unknown: Code is -1 and
// Signal is empty.
func (p *Process) Status() Status {
	select {
	case <-p.exited:
		return p.status
	default:
		return unknownStatus()
	}
}
