//go:build unix

package transport

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// unlockedAge is how old a directory without a lock file must be to be a
// left-over: a younger one may just be in the making.
const unlockedAge = time.Minute

// sweepOne removes the left-overs directly below base.
func sweepOne(base string) (removed int, err error) {
	dir, err := os.Open(base)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, &Error{Reason: ReasonDirectory, Found: base, Err: err}
	}
	defer func() { _ = dir.Close() }()
	names, readErr := dir.Readdirnames(-1)
	var failures []error
	if readErr != nil {
		failures = append(failures, &Error{Reason: ReasonDirectory, Found: base, Err: readErr})
	}
	for _, name := range names {
		pid, ok := ownerOf(name)
		if !ok || isAlive(pid) {
			continue
		}
		gone, err := sweepDir(filepath.Join(base, name))
		if gone {
			removed++
		}
		if err != nil {
			failures = append(failures, &Error{Reason: ReasonDirectory, Found: filepath.Join(base, name), Err: err})
		}
	}
	return removed, errors.Join(failures...)
}

// isAlive reports whether there is such a process, of whatever user.
func isAlive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// sweepDir removes the directory of a dead process if it is ours and unlocked.
func sweepDir(dir string) (removed bool, err error) {
	found, err := os.Lstat(dir)
	if err != nil || !found.IsDir() || !ownedByUs(found) {
		return false, nil
	}
	const flags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	lock, err := os.OpenFile(filepath.Join(dir, lockName), flags, 0)
	switch {
	case err == nil:
		defer func() { _ = lock.Close() }()
		if tryLock(lock) != nil || !isStill(dir, found) {
			return false, nil
		}
	case errors.Is(err, fs.ErrNotExist):
		// Looked at again: whoever just took the lock file away made it young.
		now, err := os.Lstat(dir)
		if err != nil || time.Since(now.ModTime()) < unlockedAge {
			return false, nil
		}
	default:
		return false, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return false, err
	}
	return true, nil
}

// isStill reports whether dir is the directory that was found, and was not
// removed by another sweep since.
func isStill(dir string, found fs.FileInfo) bool {
	now, err := os.Lstat(dir)
	return err == nil && os.SameFile(found, now)
}
