//go:build unix

package pyenv_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/pyenv"
)

// Who is killed while another process makes the environment leaves nothing, and
// the other goes on.
func TestKilledWhileWaiting(t *testing.T) {
	w := newWorld(t)
	open := w.gate()
	made := make(chan *pyenv.Env, 1)
	go func() {
		env, err := pyenv.Ensure(t.Context(), w.cfg)
		if err != nil {
			t.Error(err)
		}
		made <- env
	}()
	w.pip()
	w.write("sockets/plugin.sock", "")
	waiting, log := w.another()
	w.eventually("it waits", func() bool { return strings.Contains(log.String(), "waiting for another") })
	w.try(waiting.Process.Signal(syscall.SIGKILL))
	_ = waiting.Wait()
	w.eventually("its directory is removed", func() bool { return !w.exists("sockets") })
	open()
	if env := <-made; env != nil {
		_ = env.Close()
	}
	w.expectSteps("venv", "pip")
}

// What somebody else has put into a cache that others can write is not run.
func TestFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	w := newWorld(t)
	env := w.ensure()
	_ = env.Close()
	dir := filepath.Dir(filepath.Dir(filepath.Dir(env.Python)))
	w.try(os.Chown(dir, 12345, -1))
	_, err := pyenv.Ensure(t.Context(), w.cfg)
	if failed, ok := errors.AsType[*pyenv.Error](err); !ok || failed.Reason != pyenv.ReasonCache || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v, want reason %q", err, pyenv.ReasonCache)
	}
	w.try(os.Remove(filepath.Join(dir, "ready")))
	if _, err = pyenv.Ensure(t.Context(), w.cfg); err == nil {
		t.Error("an environment is made in another user's folder")
	}
	w.try(os.Rename(dir, w.path("theirs")))
	w.try(os.Symlink(w.path("theirs"), dir))
	if _, err = pyenv.Ensure(t.Context(), w.cfg); err == nil || !strings.Contains(err.Error(), "it is no folder") {
		t.Errorf("got %v, want no link to be followed", err)
	}
	w.expectSteps("venv", "pip")
}

// Names of folders are no patterns.
func TestFoldersNamedLikePatterns(t *testing.T) {
	w := newWorld(t)
	w.write("[w]*/tiny-1-py3-none-any.whl", "zip")
	w.cfg.Requirements, w.cfg.Wheels, w.cfg.Cache = "", w.path("[w]*"), w.path("cache[*]")
	w.set("FAKE_FAIL=no")
	if _, err := pyenv.Ensure(t.Context(), w.cfg); err == nil {
		t.Fatal("it did not fail")
	}
	keys, err := os.ReadDir(w.cfg.Cache)
	w.try(err)
	left, err := os.ReadDir(filepath.Join(w.cfg.Cache, keys[0].Name()))
	w.try(err)
	if len(left) != 1 || left[0].Name() != "lock" {
		t.Errorf("left behind: %q", left)
	}
	w.set("FAKE_FAIL=")
	w.ensure()
}

// Where a folder cannot be renamed, as on Windows, what is in it goes.
func TestPruneWithoutRename(t *testing.T) {
	w := newWorld(t)
	env := w.ensure()
	_ = env.Close()
	dir := filepath.Dir(filepath.Dir(filepath.Dir(env.Python)))
	long := time.Now().Add(-100 * 24 * time.Hour)
	w.try(os.Chtimes(filepath.Join(dir, "ready"), long, long))
	w.try(os.WriteFile(dir+".old", nil, 0o600)) // in the way
	w.write("requirements.txt", "two")
	w.ensure()
	left, err := os.ReadDir(dir)
	w.try(err)
	if len(left) != 1 || left[0].Name() != "lock" {
		t.Errorf("left of a long unused environment: %q, want its lock", left)
	}
	w.write("requirements.txt", "tiny==1\n")
	w.ensure()
}

// pip reads what we cannot: files led by a byte order mark, paths with variables.
func TestRequirementsAsPipReadsThem(t *testing.T) {
	w := newWorld(t)
	w.write("requirements.txt", "\ufeff-r \"more to install.txt\"\r\n-c ${SOMEWHERE}/limits.txt\r\n")
	w.write("more to install.txt", "tiny==1\r\n")
	before := w.ensure().Python
	w.write("more to install.txt", "tiny==2\r\n")
	if w.ensure().Python == before {
		t.Error("an included file does not matter")
	}
}
