package pyenv

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// lockRetry is the pause between two attempts to take a lock.
const lockRetry = 50 * time.Millisecond

// errBusy: somebody else has the lock.
var errBusy = errors.New("locked by another process")

// tryLock opens a file and locks it for as long as it is open, with others if it
// is not exclusively. The end of this process, however it comes, unlocks it.
func tryLock(path string, flag int, exclusively bool) (*os.File, error) {
	file, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err = lockFile(file, exclusively); err == nil && !isStill(file, path) {
		err = errBusy // by one who has removed it meanwhile
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// isStill reports whether path leads to an open file.
func isStill(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(path)
	return err == nil && os.SameFile(opened, found)
}

// awaitLock takes a lock, in a folder that it makes, and waits for whoever has
// it until ctx ends. The lock says whose it is.
func awaitLock(ctx context.Context, path string, logger *slog.Logger) (*os.File, error) {
	for attempt := 0; ; attempt++ {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		file, err := tryLock(path, os.O_RDWR|os.O_CREATE, true)
		switch {
		case err == nil:
			if err = file.Truncate(0); err == nil {
				_, err = file.WriteString(strconv.Itoa(os.Getpid()))
			}
			if err != nil {
				_ = file.Close()
				return nil, err
			}
			return file, nil
		case !errors.Is(err, errBusy) && !errors.Is(err, fs.ErrNotExist): // the folder was removed just now
			return nil, err
		}
		if attempt == 1 { // by now the other has written its id
			owner, _ := os.ReadFile(path)
			logger.Info("waiting for another process, which makes the Python environment",
				event.Wait(event.Python, event.Make), "pid", strings.TrimSpace(string(owner)), "lock", path)
		}
		retry := time.NewTimer(lockRetry)
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
			return nil, context.Cause(ctx)
		}
	}
}
