package pyenv

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// place is the folder of one environment.
type place struct{ dir string }

func (p place) lock() string  { return filepath.Join(p.dir, "lock") }
func (p place) ready() string { return filepath.Join(p.dir, "ready") }

// python is the interpreter of an environment.
func python(env string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(env, "Scripts", "python.exe")
	}
	return filepath.Join(env, "bin", "python")
}

// compiled is where Python keeps what it has compiled for an environment: not
// beside the program's modules, whose folder hosts verify.
func compiled(env string) string { return filepath.Join(env, "pycache") }

// touchAfter is how exactly the last use of an environment is known.
const touchAfter = 24 * time.Hour

// open returns the environment if it is ready and whole as far as a look tells:
// the interpreter that it was made with may have been removed.
func (p place) open() *Env {
	use, err := tryLock(p.ready(), os.O_RDONLY, false)
	if err != nil {
		return nil
	}
	name, err := os.ReadFile(p.ready())
	env := filepath.Join(p.dir, filepath.Base(string(name)))
	if err == nil {
		_, err = os.Stat(python(env))
	}
	if err != nil {
		_ = use.Close()
		return nil
	}
	if info, err := use.Stat(); err == nil && time.Since(info.ModTime()) > touchAfter {
		now := time.Now()
		_ = os.Chtimes(p.ready(), now, now) // not in a cache that is only read
	}
	return &Env{Python: python(env), Variables: []string{"PYTHONPYCACHEPREFIX=" + compiled(env)}, use: use}
}

// errForeign: somebody else has made the folder.
var errForeign = errors.New("it belongs to another user, who could have put anything there")

// trusted is nil if the folder is not there yet, or belongs to this user or to
// root: in a cache that others can write, they may have made it.
func (p place) trusted() error {
	info, err := os.Lstat(p.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("it is no folder")
	case !isOurs(info):
		return errForeign
	default:
		return nil
	}
}

// clear removes what is not ready, or not any more. It reports whether there was
// an environment.
func (p place) clear(logger *slog.Logger) bool {
	left, _ := filesOf(p.dir, func(name string) bool { return strings.HasPrefix(name, "env-") })
	for _, path := range append(left, p.ready()) {
		if err := os.RemoveAll(path); err != nil {
			logger.Debug("cannot remove what is left of a Python environment", event.Failed(event.Python, event.Clean), "error", err)
		}
	}
	return len(left) > 0
}

// filesOf lists the paths of what a folder has under such names. A pattern would
// not do: the folder's own name may look like one.
func filesOf(dir string, wanted func(name string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var paths []string
	for _, entry := range entries {
		if wanted(entry.Name()) {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	return paths, err
}

func isWheel(name string) bool { return filepath.Ext(name) == ".whl" }
