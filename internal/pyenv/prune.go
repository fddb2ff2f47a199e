package pyenv

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// unused is how long an environment is kept that nobody asks for.
const unused = 90 * 24 * time.Hour

// errGone: what was just made is not there.
var errGone = errors.New("the environment that was just made is not there")

// prune removes environments that nobody has asked for in a long time, and that
// nobody uses. It takes its time only after another was made.
func prune(cache, except string, logger *slog.Logger) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	ours := regexp.MustCompile(`^[0-9a-f]{24}(\.old)?$`)
	for _, entry := range entries {
		dir := filepath.Join(cache, entry.Name())
		match := ours.FindStringSubmatch(entry.Name())
		switch {
		case match == nil || dir == except || !entry.IsDir():
		case match[1] != "": // of a process that was killed in here
			_ = os.RemoveAll(dir)
		case pruneOne(place{dir: dir}, logger):
			logger.Debug("removed a Python environment that was long unused", event.OK(event.Python, event.Clean), "directory", dir)
		}
	}
}

// pruneOne reports whether it has removed the environment.
func pruneOne(p place, logger *slog.Logger) bool {
	info, err := os.Stat(p.ready())
	if err != nil {
		info, err = os.Stat(p.lock())
	}
	if err != nil || time.Since(info.ModTime()) < unused {
		return false
	}
	lock, err := tryLock(p.lock(), os.O_RDWR, true)
	if err != nil {
		return false
	}
	defer lock.Close()
	use, err := tryLock(p.ready(), os.O_RDONLY, true)
	switch {
	case err == nil:
		defer use.Close()
	case !os.IsNotExist(err):
		return false
	}
	if old := p.dir + ".old"; os.Rename(p.dir, old) == nil {
		return os.RemoveAll(old) == nil
	}
	// Windows neither renames a folder with files that are open, nor removes those.
	found := p.clear(logger)
	_ = use.Close()
	_ = os.Remove(p.ready())
	return found
}
