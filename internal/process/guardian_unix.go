//go:build unix

package process

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pyvider/rpcplugin/internal/event"
)

const (
	shell        = "/bin/sh"
	guardianPath = "PATH=/usr/bin:/bin:/usr/sbin:/sbin"
	// dismissTimeout is how long a guardian may take to end by itself.
	dismissTimeout = time.Second
	// maxInherited bounds the search for files that a guardian would inherit.
	maxInherited = 1024

	// What we say to the guardian, a line each.
	lineGone = "gone\n" // the group is no more, its id may get another owner
	lineDone = "done\n" // nothing is left to guard
)

// guardianScript waits for the end of its standard input. Its arguments are the
// group to kill and the directories to remove. This form of kill is the one that
// every shell takes: dash and busybox refuse "--" in one place or another.
// Removal is repeated for the case that a dying process still writes there.
const guardianScript = `
trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU
group=$1
shift
while read -r line; do
	case $line in
	gone) group= ;;
	done) exit 0 ;;
	esac
done
[ -z "$group" ] || kill -KILL "-$group"
for try in 1 2 3 4 5; do
	[ $# -eq 0 ] || rm -rf -- "$@" && exit 0
	sleep 1
done
exit 1
`

// guardian is a shell that outlives this process if need be. All that connects
// us is a pipe. It exists before the shell does, so the order of what happened
// is kept in it: a line that was written, and our death, are read later.
//
// A nil guardian guards nothing.
type guardian struct {
	shell  string // path of the program
	dirs   []string
	logger *slog.Logger
	ours   *os.File // its end of file is the alarm
	theirs *os.File
	ended  chan struct{} // closed when there is no shell, or no more

	mu        sync.Mutex
	dismissed bool
	running   *os.Process
}

// newGuardian returns nil if none is wanted or the system has no pipe to spare.
func newGuardian(cfg Config) *guardian {
	if !cfg.Guard {
		return nil
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		cfg.Logger.Debug("child runs without a guardian", event.Skipped(event.Child, event.Guard), "error", err)
		return nil
	}
	return &guardian{
		shell: shell, dirs: cfg.RemoveOnDeath, logger: cfg.Logger,
		ours: ours, theirs: theirs, ended: make(chan struct{}),
	}
}

// watch starts the shell for a group in the background.
func (g *guardian) watch(group int) {
	if g == nil {
		return
	}
	go func() {
		defer close(g.ended)
		cmd, err := g.start(group)
		if cmd != nil && err == nil {
			err = cmd.Wait()
		}
		if err != nil {
			g.logger.LogAttrs(context.Background(), slog.LevelDebug, "guardian of child ended",
				event.Failed(event.Child, event.Guard), slog.Int("pid", group), slog.Any("error", err))
		}
	}()
}

// start returns nil if the guardian was dismissed before it began.
func (g *guardian) start(group int) (*exec.Cmd, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.theirs.Close()
	if g.dismissed {
		return nil, nil
	}
	args := []string{"sh", "-c", guardianScript, "rpcplugin-guardian", strconv.Itoa(group)}
	cmd := &exec.Cmd{
		Path: g.shell, Args: append(args, g.dirs...), Env: []string{guardianPath}, Dir: "/",
		Stdin: g.theirs, ExtraFiles: make([]*os.File, inheritable()),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g.running = cmd.Process
	return cmd, nil
}

// inheritable returns how many descriptors from 3 on must be closed in a new
// process so that it has none but its standard files. Ours are all closed by
// the system when it executes a program; what is left are those that we
// inherited ourselves.
func inheritable() int {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return 0
	}
	defer dir.Close()
	highest := 2
	for {
		names, err := dir.Readdirnames(64)
		for _, name := range names {
			fd, err := strconv.Atoi(name)
			if err != nil || fd <= highest || fd > maxInherited {
				continue
			}
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err == nil && flags&unix.FD_CLOEXEC == 0 {
				highest = fd
			}
		}
		if err != nil || len(names) == 0 {
			return highest - 2
		}
	}
}

// forget must be called before the leader of the group is reaped. With all, the
// directories are none of the guardian's business any more either.
func (g *guardian) forget(all bool) {
	switch {
	case g == nil:
	case all:
		g.tell(lineDone)
	default:
		g.tell(lineGone)
	}
}

// dismiss ends the guardian and waits for it. It must have been told to watch.
func (g *guardian) dismiss() {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.dismissed = true
	g.mu.Unlock()
	g.tell(lineDone) // before the pipe is closed, which is the alarm
	g.ours.Close()
	timer := time.NewTimer(dismissTimeout)
	defer timer.Stop()
	select {
	case <-g.ended:
		return
	case <-timer.C:
	}
	g.mu.Lock()
	if g.running != nil {
		_ = g.running.Kill()
	}
	g.mu.Unlock()
	<-g.ended
}

// discard closes the pipe of a guardian that was never told to watch.
func (g *guardian) discard() {
	if g != nil {
		g.ours.Close()
		g.theirs.Close()
	}
}

// tell never blocks, the few lines there are fit into a pipe. A shell that is
// gone is no failure.
func (g *guardian) tell(line string) { _, _ = io.WriteString(g.ours, line) }
