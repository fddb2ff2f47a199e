package process

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ward is a process group without a parent-death signal or anything else that
// could end it but a guardian, with a directory to remove.
type ward struct {
	cmd  *exec.Cmd
	dirs []string
}

func newWard(t *testing.T) *ward {
	t.Helper()
	base := t.TempDir()
	w := &ward{cmd: exec.Command("sleep", "1000")}
	for _, name := range []string{"plain", `odd "name" $HOME 'x'`, "-rf"} {
		dir := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "sub", "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.dirs = append(w.dirs, dir)
	}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	})
	return w
}

func (w *ward) dirsLeft() (left int) {
	for _, dir := range w.dirs {
		if _, err := os.Stat(dir); err == nil {
			left++
		}
	}
	return left
}

// guard returns a guardian whose shell runs.
func (w *ward) guard(t *testing.T) *guardian {
	t.Helper()
	g := newGuardian(Config{
		Guard: true, RemoveOnDeath: w.dirs, Logger: slog.New(slog.DiscardHandler),
	})
	g.watch(w.cmd.Process.Pid)
	t.Cleanup(g.dismiss)
	awaitShell(g)
	return g
}

func TestGuardian(t *testing.T) {
	for _, c := range []struct {
		name     string
		end      func(*guardian)
		killed   bool
		dirsLeft int
	}{
		{"alarm", func(g *guardian) { g.ours.Close() }, true, 0},
		{"alarm after the group is gone", func(g *guardian) { g.forget(false); g.ours.Close() }, false, 0},
		{"retired group is gone", func(g *guardian) { g.forget(true); <-g.ended; g.ours.Close() }, false, 3},
		{"dismissed", func(g *guardian) { g.dismiss() }, false, 3},
		{"dismissed after the group is gone", func(g *guardian) { g.forget(false); g.dismiss() }, false, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWard(t)
			g := w.guard(t)
			c.end(g)
			<-g.ended
			if c.killed {
				poll(t, "the group to be killed", func() bool { return !alive(w.cmd.Process.Pid) })
			} else if !alive(w.cmd.Process.Pid) {
				t.Error("group was killed")
			}
			if left := w.dirsLeft(); left != c.dirsLeft {
				t.Errorf("%d directories are left, want %d", left, c.dirsLeft)
			}
		})
	}
}

func TestGuardianInheritsNothing(t *testing.T) {
	// A file that is inherited by whoever this process starts.
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)

	g := newWard(t).guard(t)
	pid := g.running.Pid
	awaitIgnoring(t, pid) // before, the shell is still loading its libraries
	for number, link := range descriptors(t, pid) {
		standard := number == 0 && strings.HasPrefix(link, "pipe:") || number > 0 && number < 3 && link == os.DevNull
		if !standard {
			t.Errorf("descriptor %d of the guardian is %q", number, link)
		}
	}
	if session, err := getsid(pid); err != nil || session != pid {
		t.Errorf("session of guardian %d is %d, %v", pid, session, err)
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || string(env) != guardianPath+"\x00" {
		t.Errorf("environment of the guardian is %q, %v", env, err)
	}
}

func getsid(pid int) (int, error) {
	id, _, no := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	if no != 0 {
		return 0, no
	}
	return int(id), nil
}

// awaitIgnoring waits until the script of a guardian has begun.
func awaitIgnoring(t *testing.T, pid int) {
	t.Helper()
	const wanted = 1<<(syscall.SIGHUP-1) | 1<<(syscall.SIGINT-1) | 1<<(syscall.SIGTERM-1)
	poll(t, "the guardian to ignore signals", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "SigIgn:")
		var ignored uint64
		_, _ = fmt.Sscanf(rest, "%x", &ignored)
		return ignored&wanted == wanted
	})
}

func TestGuardianIgnoresSignals(t *testing.T) {
	w := newWard(t)
	g := w.guard(t)
	pid := g.running.Pid
	awaitIgnoring(t, pid)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	g.ours.Close()
	<-g.ended
	if left := w.dirsLeft(); left != 0 {
		t.Errorf("%d directories are left", left)
	}
}

func TestGuardianWithoutShell(t *testing.T) {
	g := newGuardian(Config{Guard: true, Logger: slog.New(slog.DiscardHandler)})
	g.shell = filepath.Join(t.TempDir(), "no-shell")
	g.watch(1 << 30) // no group has that id
	<-g.ended
	g.forget(false)
	g.dismiss()
	if g.running != nil {
		t.Error("a shell was found")
	}
}

func TestGuardianThatDoesNotListen(t *testing.T) {
	g := newGuardian(Config{Guard: true, Logger: slog.New(slog.DiscardHandler)})
	g.shell = "/bin/sleep" // which takes no script, and ends with an error
	g.watch(1 << 30)
	g.dismiss()
	select {
	case <-g.ended:
	default:
		t.Error("guardian lives when dismiss has returned")
	}
}

func TestDismissBeforeTheShellStarts(t *testing.T) {
	for range 20 {
		w := newWard(t)
		g := newGuardian(Config{
			Guard: true, RemoveOnDeath: w.dirs, Logger: slog.New(slog.DiscardHandler),
		})
		g.watch(w.cmd.Process.Pid)
		g.dismiss()
		if left := w.dirsLeft(); left != len(w.dirs) || !alive(w.cmd.Process.Pid) {
			t.Fatal("guardian acted although it was dismissed")
		}
	}
}
