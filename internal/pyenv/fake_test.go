//go:build unix

package pyenv_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/pyenv"
)

// patience is for what must happen but may take a while on a busy machine.
const patience = 30 * time.Second

// fakePython plays Python with venv and pip. It notes each step in $FAKE_LOG.
// In pip it waits for $FAKE_GATE, a pipe, and fails with the words of $FAKE_FAIL.
const fakePython = `#!/bin/sh
while [ "$1" != -m ]; do shift; done
echo "$2 $$" >>"$FAKE_LOG"
if [ "$2" = venv ]; then
	[ -z "$FAKE_NO_VENV" ] || { echo "ensurepip is not available"; exit 1; }
	mkdir -p "$3/bin" && cp "$FAKE_PYTHON" "$3/bin/python"
	exit
fi
: >"$TMPDIR/half"
shift 2
echo "pip $*"
[ -z "$FAKE_GATE" ] || cat "$FAKE_GATE"
[ -z "$FAKE_FAIL" ] || { echo "$FAKE_FAIL" >&2; exit 1; }
`

// world is a cache, a Python that is none, and a file of requirements.
type world struct {
	*testing.T

	cfg  pyenv.Config
	dir  string
	logs *transcript
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{T: t, dir: dir, logs: &transcript{}}
	w.write("python3", fakePython)
	w.try(os.Chmod(w.path("python3"), 0o700))
	w.write("requirements.txt", "tiny==1\n")
	w.cfg = pyenv.Config{
		Interpreter: w.path("python3"), Requirements: w.path("requirements.txt"), Cache: w.path("cache"),
		Environ: []string{"PATH=" + os.Getenv("PATH"), "FAKE_LOG=" + w.path("log"), "FAKE_PYTHON=" + w.path("python3")},
		Logger:  slog.New(slog.NewTextHandler(w.logs, nil)),
	}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.Helper()
	w.try(os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
	w.try(os.WriteFile(w.path(name), []byte(text), 0o600))
}

func (w *world) try(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// set adds variables for Python.
func (w *world) set(variables ...string) { w.cfg.Environ = append(w.cfg.Environ, variables...) }

// gate makes pip wait until the function is called.
func (w *world) gate() (open func()) {
	w.Helper()
	w.try(syscall.Mkfifo(w.path("gate"), 0o600))
	w.set("FAKE_GATE=" + w.path("gate"))
	return func() { w.try(os.WriteFile(w.path("gate"), nil, 0o600)) }
}

// ensure returns the environment, which must be had.
func (w *world) ensure() *pyenv.Env {
	w.Helper()
	env, err := pyenv.Ensure(w.Context(), w.cfg)
	w.try(err)
	w.Cleanup(func() { _ = env.Close() })
	return env
}

// another starts a process that makes the environment; log is its own.
func (w *world) another() (maker *exec.Cmd, log *transcript) {
	w.Helper()
	log = &transcript{}
	maker = exec.Command(os.Args[0])
	maker.Env = append(w.cfg.Environ, roleKey+"="+w.dir)
	maker.Stderr = log
	w.try(maker.Start())
	return maker, log
}

func (w *world) exists(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

// steps lists what Python was started for: venv and pip.
func (w *world) steps() []string {
	data, err := os.ReadFile(w.path("log"))
	if !os.IsNotExist(err) {
		w.try(err)
	}
	var steps []string
	for line := range strings.Lines(string(data)) {
		step, _, _ := strings.Cut(line, " ")
		steps = append(steps, step)
	}
	return steps
}

// expectSteps fails if Python was started otherwise.
func (w *world) expectSteps(want ...string) {
	w.Helper()
	if got := w.steps(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("Python was started for %q, want %q", got, want)
	}
}

// pip waits until pip runs and returns its process.
func (w *world) pip() int {
	w.Helper()
	pid := 0
	w.eventually("pip runs", func() bool {
		data, _ := os.ReadFile(w.path("log"))
		_, last, found := strings.Cut(string(data), "pip ")
		if found {
			_, err := fmt.Sscan(last, &pid)
			found = err == nil && strings.HasSuffix(last, "\n")
		}
		return found
	})
	return pid
}

// attempts lists the environments in the cache, ready or not.
func (w *world) attempts() []string {
	found, err := filepath.Glob(w.path("cache/*/env-*"))
	w.try(err)
	return found
}

func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !holds(); <-tick.C {
		if time.Since(began) > patience {
			w.Fatalf("after %s still not: %s; log:\n%s", patience, what, w.logs)
		}
	}
}

// transcript is a buffer for several goroutines.
type transcript struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data.String()
}
