//go:build unix

package pyenv_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/internal/pyenv"
)

// roleKey makes the test binary a process that makes an environment. Its value is
// the folder of a world.
const roleKey = "PYENV_TEST_WORLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(roleKey); dir != "" {
		_, err := pyenv.Ensure(context.Background(), pyenv.Config{
			Interpreter: dir + "/python3", Requirements: dir + "/requirements.txt", Cache: dir + "/cache",
			RemoveOnDeath: []string{dir + "/sockets"}, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func TestAllAtOnceMakeOne(t *testing.T) {
	w := newWorld(t)
	open := w.gate()
	const many = 8
	found := make(chan *pyenv.Env, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			env, err := pyenv.Ensure(t.Context(), w.cfg)
			if err != nil {
				t.Error(err)
				return
			}
			found <- env
		})
	}
	w.pip()
	w.eventually("the others say that they wait", func() bool {
		return strings.Count(w.logs.String(), fmt.Sprintf("pid=%d", os.Getpid())) == many-1
	})
	open()
	all.Wait()
	close(found)
	var python string
	for env := range found {
		if python == "" {
			python = env.Python
		}
		if env.Python != python {
			t.Errorf("one got %s, another %s", python, env.Python)
		}
		_ = env.Close()
	}
	w.expectSteps("venv", "pip")
	if got := w.ensure().Python; got != python {
		t.Errorf("a later one got %s, want %s", got, python)
	}
	w.expectSteps("venv", "pip")
	if left, _ := filepath.Glob(filepath.Dir(filepath.Dir(python)) + "/tmp"); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
	if got := strings.Count(w.logs.String(), "installing"); got != 1 {
		t.Errorf("the log tells of %d installations, want 1:\n%s", got, w.logs)
	}
}

func TestWhatMakesAnotherEnvironment(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*world)
		same   bool
	}{
		{"nothing", func(*world) {}, true},
		{"requirements", func(w *world) {
			w.write("requirements.txt", "tiny==2\n-r more.txt\n-c limits/all.txt\n./local-1-py3-none-any.whl\n")
		}, false},
		{"an included file", func(w *world) { w.write("more.txt", "other\n") }, false},
		{"a constraint of a constraint", func(w *world) { w.write("limits/more.txt", "small<8\n") }, false},
		{"a wheel", func(w *world) { w.write("wheels/tiny-1-py3-none-any.whl", "zip, of the same size 2") }, false},
		{"another wheel", func(w *world) { w.write("wheels/large-1-py3-none-any.whl", "zip") }, false},
		{"a local wheel", func(w *world) { w.write("local-1-py3-none-any.whl", "piz") }, false},
		{"the interpreter", func(w *world) { w.try(os.Chtimes(w.path("python3"), time.Time{}, time.Unix(1e9, 0))) }, false},
		{"its name", func(w *world) {
			w.try(os.Symlink("python3", w.path("python")))
			w.cfg.Interpreter = w.path("python")
		}, true},
		{"where it all is", func(w *world) {
			for _, name := range []string{"requirements.txt", "more.txt", "limits", "wheels", "local-1-py3-none-any.whl"} {
				w.try(os.MkdirAll(w.path("elsewhere"), 0o700))
				w.try(os.Rename(w.path(name), w.path("elsewhere/"+name)))
			}
			w.cfg.Requirements, w.cfg.Wheels = w.path("elsewhere/requirements.txt"), w.path("elsewhere/wheels")
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("requirements.txt", "tiny==1\n-r more.txt # and so on\n-c limits/all.txt\n./local-1-py3-none-any.whl\n")
			w.write("more.txt", "-r requirements.txt\n")
			w.write("limits/all.txt", "--constraint=more.txt\n--requirement https://example.com/r.txt\n")
			w.write("limits/more.txt", "small<9\n")
			w.write("local-1-py3-none-any.whl", "zip")
			w.write("wheels/tiny-1-py3-none-any.whl", "zip, of the same size 1")
			w.cfg.Wheels = w.path("wheels")
			before := w.ensure().Python
			test.change(w)
			if same := w.ensure().Python == before; same != test.same {
				t.Errorf("the environment is the same: %t, want %t", same, test.same)
			}
		})
	}
}

func TestWhatPipIsAsked(t *testing.T) {
	w := newWorld(t)
	w.set("PIP_USER=1", "PIP_TARGET=elsewhere", "FAKE_FAIL=no")
	for _, test := range []struct {
		name         string
		requirements string
		wheels       string
		want         string
	}{
		{"an index", "requirements.txt", "", "install --disable-pip-version-check --no-input --progress-bar off --requirement DIR/requirements.txt"},
		{"a folder", "requirements.txt", "wheels", "--no-index --find-links DIR/wheels --requirement DIR/requirements.txt"},
		{"all of a folder", "", "wheels", "--no-index --find-links DIR/wheels DIR/wheels/a.whl DIR/wheels/b.whl"},
	} {
		w.write("wheels/a.whl", "a")
		w.write("wheels/b.whl", "b")
		w.write("echo", strings.Replace(fakePython, `"$FAKE_FAIL" >&2`, `"$*; $PIP_USER$PIP_TARGET; $PYTHONPYCACHEPREFIX; $PWD" >&2`, 1))
		w.try(os.Chmod(w.path("echo"), 0o700))
		cfg := w.cfg
		cfg.Interpreter = w.path("echo")
		cfg.Environ = append(cfg.Environ, "FAKE_PYTHON="+w.path("echo"))
		cfg.Requirements, cfg.Wheels = "", ""
		if test.requirements != "" {
			cfg.Requirements = w.path(test.requirements)
		}
		if test.wheels != "" {
			cfg.Wheels = w.path(test.wheels)
		}
		_, err := pyenv.Ensure(t.Context(), cfg)
		failed, ok := errors.AsType[*pyenv.Error](err)
		if !ok || len(failed.Output) != 1 {
			t.Fatalf("%s: %v", test.name, err)
		}
		said := strings.ReplaceAll(failed.Output[0], w.dir, "DIR")
		if !strings.Contains(said, test.want+"; 0; DIR/cache/") {
			t.Errorf("%s: pip was started with %q, want %q, and PIP_USER=0", test.name, said, test.want)
		}
		if strings.HasSuffix(said, "; DIR") != (test.requirements != "") {
			t.Errorf("%s: pip runs in another folder than the requirements: %q", test.name, said)
		}
	}
}

func TestFailureTellsAndLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*world)
		reason pyenv.Reason
		says   string
		hint   string
	}{
		{"pip", func(w *world) { w.set("FAKE_FAIL=ERROR: no such package") }, pyenv.ReasonInstall, "exited with status 1; its last lines:\n  ERROR: no such package", "--python-wheels"},
		{"pip offline", func(w *world) {
			w.write("wheels/a.whl", "a")
			w.cfg.Wheels = w.path("wheels")
			w.set("FAKE_FAIL=no")
		}, pyenv.ReasonInstall, "  no", "must hold all requirements"},
		{"venv", func(w *world) { w.set("FAKE_NO_VENV=1") }, pyenv.ReasonVenv, "ensurepip is not available", "apt install python3-venv"},
		{"no interpreter", func(w *world) { w.cfg.Interpreter = "no-such-python" }, pyenv.ReasonInterpreter, `"no-such-python" not found`, "PATH"},
		{"no requirements", func(w *world) { w.cfg.Requirements = w.path("none.txt") }, pyenv.ReasonRequirements, `none.txt": no such file`, ""},
		{"no included file", func(w *world) { w.write("requirements.txt", "-rnone.txt\n") }, pyenv.ReasonRequirements, `none.txt": no such file`, ""},
		{"a folder", func(w *world) {
			w.write("lib/setup.py", "")
			w.write("requirements.txt", "-e ./lib[all] ; python_version > '3'\n")
		}, pyenv.ReasonRequirements, `lib": it is a folder, expected a wheel`, ""},
		{"no wheels", func(w *world) { w.cfg.Wheels = w.path("none") }, pyenv.ReasonRequirements, `none": no such file`, ""},
		{"no wheel", func(w *world) {
			w.write("wheels/tiny-1.tar.gz", "sources")
			w.cfg.Requirements, w.cfg.Wheels = "", w.path("wheels")
		}, pyenv.ReasonRequirements, "no wheels, expected *.whl", ""},
		{"empty wheels", func(w *world) { w.cfg.Wheels = t.TempDir() }, pyenv.ReasonRequirements, "no wheels, expected *.whl", ""},
		{"a secret", func(w *world) { w.set("FAKE_FAIL=no http://me:secret@host/tiny.whl, 'https://token@host/'") }, pyenv.ReasonInstall, "no http://****@host/tiny.whl, 'https://****@host/'", "PIP_INDEX_URL"},
		{"no cache", func(w *world) { w.write("cache", "a file") }, pyenv.ReasonCache, `cache/`, "--python-cache"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			_, err := pyenv.Ensure(t.Context(), w.cfg)
			failed, ok := errors.AsType[*pyenv.Error](err)
			if !ok || failed.Reason != test.reason || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want reason %q and %q", err, test.reason, test.says)
			}
			if !strings.Contains(failed.Hint(), test.hint) || (test.hint == "") != (failed.Hint() == "") {
				t.Errorf("the hint is %q, want %q", failed.Hint(), test.hint)
			}
			if left := w.attempts(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestFailureIsNotKept(t *testing.T) {
	w := newWorld(t)
	good := w.cfg.Environ
	w.set("FAKE_FAIL=the index is down")
	if _, err := pyenv.Ensure(t.Context(), w.cfg); err == nil {
		t.Fatal("it did not fail")
	}
	w.cfg.Environ = good
	w.ensure()
	w.expectSteps("venv", "pip", "venv", "pip")
}

func TestEndOfContextEndsPip(t *testing.T) {
	w := newWorld(t)
	w.gate()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := pyenv.Ensure(ctx, w.cfg)
		ended <- err
	}()
	pid := w.pip()
	waiting, stop := context.WithCancelCause(t.Context())
	waited := make(chan error, 1)
	go func() {
		_, err := pyenv.Ensure(waiting, w.cfg)
		waited <- err
	}()
	w.eventually("the second waits", func() bool { return strings.Contains(w.logs.String(), "waiting for another") })
	enough, over := errors.New("enough"), errors.New("over")
	stop(enough)
	if err := <-waited; !errors.Is(err, enough) {
		t.Errorf("the one that waited ended with %v", err)
	}
	cancel(over)
	if err := <-ended; !errors.Is(err, over) {
		t.Errorf("ended with %v", err)
	}
	if process.Alive(pid) {
		t.Errorf("pip lives, process %d", pid)
	}
	if left := w.attempts(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	w.set("FAKE_GATE=")
	w.ensure()
}

func TestTimeout(t *testing.T) {
	w := newWorld(t)
	w.gate()
	w.cfg.Timeout = 10 * time.Millisecond
	_, err := pyenv.Ensure(t.Context(), w.cfg)
	failed, ok := errors.AsType[*pyenv.Error](err)
	if !ok || failed.Reason != pyenv.ReasonTimeout || !strings.Contains(err.Error(), "not ready within 10ms") {
		t.Errorf("got %v", err)
	}
}

func TestKilledInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.gate()
	w.write("sockets/plugin.sock", "")
	maker, _ := w.another()
	pid := w.pip()
	w.try(maker.Process.Signal(syscall.SIGKILL))
	_ = maker.Wait()
	w.eventually("its directory is removed", func() bool { return !w.exists("sockets") })
	w.set("FAKE_GATE=")
	env := w.ensure()
	w.eventually("pip has ended", func() bool { return !process.Alive(pid) })
	w.eventually("one attempt is left", func() bool { return len(w.attempts()) == 1 })
	if _, err := os.Stat(env.Python); err != nil {
		t.Error(err)
	}
	w.expectSteps("venv", "pip", "venv", "pip")
}

func TestEnvironmentWhoseInterpreterIsGoneIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	before := w.ensure()
	w.try(os.Remove(before.Python))
	w.try(os.Symlink("nowhere", before.Python))
	after := w.ensure()
	if after.Python == before.Python {
		t.Error("it is the same environment")
	}
	if left := w.attempts(); len(left) != 1 {
		t.Errorf("environments %q, want one", left)
	}
}

func TestLongUnusedEnvironmentsGo(t *testing.T) {
	w := newWorld(t)
	another := func(requirement string) {
		w.write("requirements.txt", requirement)
		w.ensure()
	}
	old, err := pyenv.Ensure(t.Context(), w.cfg)
	w.try(err)
	long := time.Now().Add(-100 * 24 * time.Hour)
	ready, _ := filepath.Glob(w.path("cache/*/ready"))
	w.write("cache/somebody/else", "")
	w.try(os.Chtimes(ready[0], long, long))
	another("two")
	if _, err := os.Stat(old.Python); err != nil {
		t.Error("an environment that is in use was removed")
	}
	_ = old.Close()
	w.write("requirements.txt", "tiny==1\n")
	_ = w.ensure().Close() // which makes it new again
	another("three")
	if _, err := os.Stat(old.Python); err != nil {
		t.Error("an environment that was used lately was removed")
	}
	w.try(os.Chtimes(ready[0], long, long))
	another("four")
	if _, err := os.Stat(filepath.Dir(ready[0])); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a long unused environment is there: %v", err)
	}
	if got := len(w.attempts()); got != 3 {
		t.Errorf("there are %d environments, want 3", got)
	}
	if _, err := os.Stat(w.path("cache/somebody/else")); err != nil {
		t.Error("what is none of ours was removed")
	}
}

func BenchmarkReady(b *testing.B) {
	dir := b.TempDir()
	for name, text := range map[string]string{"python3": fakePython, "requirements.txt": "tiny==1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	cfg := pyenv.Config{
		Interpreter: dir + "/python3", Requirements: dir + "/requirements.txt", Cache: dir + "/cache",
		Environ: []string{"PATH=" + os.Getenv("PATH"), "FAKE_LOG=" + dir + "/log", "FAKE_PYTHON=" + dir + "/python3"},
	}
	for b.Loop() {
		env, err := pyenv.Ensure(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		_ = env.Close()
	}
}
