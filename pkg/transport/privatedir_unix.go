//go:build unix

package transport

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The wait for the lock of a directory that another start holds. Whoever holds
// it longer is no plugin that starts, and the start goes on without it.
const (
	lockPatience = 2 * time.Second
	lockPause    = 5 * time.Millisecond
)

// lockNew makes the lock file of a new private directory and locks it. It fails
// with errSwept if a sweep was faster. A file system without locks gives a file
// without a lock, which no sweep can take either.
func lockNew(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errSwept
		}
		return nil, err
	}
	if err := tryLock(file); errors.Is(err, syscall.EWOULDBLOCK) {
		_ = file.Close()
		return nil, errSwept
	}
	ours, err := file.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Lstat(path); err == nil && os.SameFile(ours, there) {
			return file, nil
		}
	}
	_ = file.Close()
	return nil, errSwept
}

// tryLock takes the lock of an open file at once or fails with EWOULDBLOCK.
func tryLock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// lockDirectory serialises the starts that look at, remove and make sockets in
// one directory. It leaves no file behind. Where it cannot lock it does without.
func lockDirectory(ctx context.Context, dir string) (release func()) {
	file, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	release = func() { _ = file.Close() }
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	ticker := time.NewTicker(lockPause)
	defer ticker.Stop()
	for errors.Is(tryLock(file), syscall.EWOULDBLOCK) {
		select {
		case <-ctx.Done():
			return release
		case <-ticker.C:
		}
	}
	return release
}

// shortBases are the directories to fall back to, best first. The run-time
// directory of the user is nothing for a group: only its owner can enter it.
func shortBases(ownerOnly bool) []string {
	var bases []string
	runtimeDir := os.Getenv("XDG_RUNTIME_DIR")
	if ownerOnly && filepath.IsAbs(runtimeDir) {
		if found, err := os.Stat(runtimeDir); err == nil && found.IsDir() && ownedByUs(found) {
			bases = append(bases, filepath.Clean(runtimeDir))
		}
	}
	return append(bases, "/tmp", "/var/tmp")
}
