package process

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestExitStatusAndOutputs(t *testing.T) {
	for _, code := range []int{0, 3, 255} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			var none *tether
			p := start(t, none.role(t, "exit", strconv.Itoa(code), "to stdout", "to stderr"))
			stdout, err := io.ReadAll(p.Stdout())
			if err != nil || string(stdout) != "to stdout" {
				t.Errorf("stdout is %q, %v", stdout, err)
			}
			stderr, err := io.ReadAll(p.Stderr())
			if err != nil || string(stderr) != "to stderr" {
				t.Errorf("stderr is %q, %v", stderr, err)
			}
			if got, want := awaitExit(t, p), (Status{Code: code}); got != want {
				t.Errorf("status is %+v, want %+v", got, want)
			}
		})
	}
}

func TestStatusBeforeExitIsUnknown(t *testing.T) {
	p := start(t, Config{Command: []string{"cat"}})
	if got := p.Status(); got != unknownStatus() {
		t.Errorf("status of a running child is %+v", got)
	}
	select {
	case <-p.Exited():
		t.Error("a running child has exited")
	default:
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PROCESS_TEST_INHERITED", "yes")
	for _, c := range []struct {
		name string
		env  []string
		want string
	}{
		{"given", []string{"A=1", "B=2", "A=3"}, "A=3,B="},
		{"empty", []string{}, "A=,B="},
		{"inherited", nil, "A=,B=yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, Config{
				Command: []string{"/bin/sh", "-c", `echo "A=$A,B=$PROCESS_TEST_INHERITED"`}, Env: c.env,
			})
			if out, err := io.ReadAll(p.Stdout()); strings.TrimSpace(string(out)) != c.want {
				t.Errorf("child says %q (%v), want %q", out, err, c.want)
			}
		})
	}
}

func TestCommandIsRelativeToParent(t *testing.T) {
	t.Chdir(t.TempDir())
	elsewhere := t.TempDir()
	if err := os.WriteFile("prog", []byte("#!/bin/sh\necho \"$0 in\"; pwd\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := start(t, Config{Command: []string{"./prog"}, Dir: elsewhere})
	out, err := io.ReadAll(p.Stdout())
	if want := elsewhere + "\n"; err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("child says %q (%v), want it to end in %q", out, err, want)
	}
}

func TestConfigIsCopied(t *testing.T) {
	cfg := Config{
		Command: []string{"cat"}, Env: []string{"A=1"}, RemoveOnDeath: []string{"/a/b"},
	}
	was := cfg.withDefaults()
	cfg.Command[0], cfg.Env[0], cfg.RemoveOnDeath[0] = "x", "x", "x"
	if was.Command[0] != "cat" || was.Env[0] != "A=1" || was.RemoveOnDeath[0] != "/a/b" {
		t.Errorf("copy changed to %+v", was)
	}
}

func TestStdinIsHeldOpen(t *testing.T) {
	tt := newTether(t)
	p := start(t, tt.role(t, "stdin"))
	tt.join(t, "stdin")
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", p.Pid()))
	if err != nil || !strings.HasPrefix(link, "pipe:") {
		t.Errorf("stdin of the child is %q, %v", link, err)
	}
	select {
	case <-p.Exited():
		t.Fatal("stdin of the child has ended")
	case <-time.After(50 * time.Millisecond):
	}
	p.stdin.Close() // as the system does when this process dies
	if got, want := awaitExit(t, p), (Status{Code: 5}); got != want {
		t.Errorf("status is %+v, want %+v", got, want)
	}
}

// descriptors returns the open files of a process, by number.
func descriptors(t *testing.T, pid int) map[int]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[int]string{}
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if link, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			files[number] = link
		}
	}
	return files
}

func TestChildGetsThreeBlockingPipes(t *testing.T) {
	other := start(t, Config{Command: []string{"cat"}, Guard: true}) // whose pipes might leak
	awaitShell(other.guard)
	p := start(t, Config{Command: []string{"cat"}, Guard: true})
	seen := map[string]bool{}
	ours := descriptors(t, os.Getpid())
	var files map[int]string
	// A program that starts has files of its own open for a moment.
	poll(t, "the child to have nothing but what this process itself was started with", func() bool {
		files = descriptors(t, p.Pid())
		for number, link := range files {
			if number > 2 && (ours[number] != link || number-2 > inheritable()) {
				return false
			}
		}
		return true
	})
	for number := range 3 {
		link := files[number]
		if !strings.HasPrefix(link, "pipe:") || seen[link] {
			t.Errorf("descriptor %d of the child is %q, want a pipe of its own", number, link)
		}
		seen[link] = true
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", p.Pid(), number))
		if err != nil {
			t.Fatal(err)
		}
		_, flags, _ := strings.Cut(string(info), "flags:")
		value, err := strconv.ParseInt(strings.Fields(flags)[0], 8, 64)
		if err != nil || value&syscall.O_NONBLOCK != 0 {
			t.Errorf("descriptor %d of the child has flags %o, %v, want it to block", number, value, err)
		}
	}
}

func TestChildOutlivesThreadOfCaller(t *testing.T) {
	started := make(chan *Process)
	threads := make(chan int)
	var starter func()
	starter = func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if syscall.Gettid() == syscall.Getpid() {
			// The main thread alone does not end. It is kept busy here.
			defer runtime.UnlockOSThread()
			var other sync.WaitGroup
			other.Go(starter)
			other.Wait()
			return
		}
		threads <- syscall.Gettid()
		p, err := Start(Config{Command: []string{"cat"}})
		if err != nil {
			t.Error(err)
		}
		started <- p
	}
	go starter()
	thread, p := <-threads, <-started
	if p == nil {
		return
	}
	defer p.Close()
	poll(t, "the end of the thread", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return err != nil
	})
	select {
	case <-p.Exited():
		t.Errorf("child %v when the thread ended that called Start", p.Status())
	case <-time.After(50 * time.Millisecond):
	}
}

// poll waits until a condition holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestNoDescriptorsLeak(t *testing.T) {
	cycle := func() {
		p, err := Start(Config{Command: []string{"cat"}, Guard: true, RemoveOnDeath: []string{"/nowhere/at/all"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		noProgram := filepath.Join(t.TempDir(), "empty")
		if err := os.WriteFile(noProgram, []byte("\x7fELF"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(Config{Command: []string{noProgram}, Guard: true}); err == nil {
			t.Fatal("started what is no program")
		}
	}
	cycle() // what is opened once and for all
	before := descriptors(t, os.Getpid())
	for range 10 {
		cycle()
	}
	if after := descriptors(t, os.Getpid()); len(after) > len(before) {
		t.Errorf("open files were %v, are %v", before, after)
	}
}
