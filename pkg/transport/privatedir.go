package transport

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const (
	// dirPrefix starts the name of every private directory; the number of the
	// process and a random part follow.
	dirPrefix = "rpcplugin-"
	// randomBytes make the last part of the name, in hexadecimal.
	randomBytes = 4
	// lockName is the file in it that is locked as long as its owner lives.
	lockName = "lock"
	// dirAttempts is how many names are tried before giving up.
	dirAttempts = 16
)

// The access a private directory is given: its owner, or its owner and a group.
const (
	ownerDirMode os.FileMode = 0o700
	groupDirMode os.FileMode = 0o770
)

// errSwept: somebody took a directory for a left-over before it was locked.
var errSwept = errors.New("taken away while it was made")

// PrivateDir is a directory for sockets that nobody else can enter, named
// rpcplugin-<pid>-<random>. On unix it holds a file "lock" that stays locked
// until Close or until the process dies, by which [Sweep] knows a left-over.
type PrivateDir struct {
	dir   string
	lock  *os.File // nil where there are no locks
	close sync.Once
}

// NewPrivateDir makes a private directory below base, or below [os.TempDir] if
// base is empty. Its mode is 0700, or 0770 and that group if group, a name or a
// number, is not empty; the process's umask does not matter.
//
// longestName is the length in bytes of the longest socket name to come. If the
// path of such a socket would be too long for the system, base is replaced by
// the first of XDG_RUNTIME_DIR (not for a group), /tmp and /var/tmp that will
// do. 0 means that no socket is to be made, and any base will do.
//
// Reasons are [ReasonDirectory], [ReasonGroup], [ReasonPathTooLong]. The caller
// closes it.
func NewPrivateDir(base, group string, longestName int) (*PrivateDir, error) {
	gid, err := lookupGroup(group)
	if err != nil {
		return nil, err
	}
	base, err = absoluteBase(base)
	if err != nil {
		return nil, err
	}
	if fits(base, longestName) {
		return newPrivateDirIn(base, gid)
	}
	var failures []error
	for _, short := range shortBases(gid == noGroup) {
		if !fits(short, longestName) {
			continue
		}
		d, err := newPrivateDirIn(short, gid)
		if err == nil {
			return d, nil
		}
		failures = append(failures, err)
	}
	return nil, &Error{
		Reason: ReasonPathTooLong, Found: base,
		Expected: fmt.Sprintf("a directory short enough for socket paths of at most %d bytes", maxSocketPath()),
		Err:      errors.Join(failures...),
	}
}

// absoluteBase is base in full, since others will look for the socket from
// another working directory.
func absoluteBase(base string) (string, error) {
	if base == "" {
		base = os.TempDir()
	}
	absolute, err := filepath.Abs(base)
	if err != nil {
		return "", &Error{Reason: ReasonDirectory, Found: base, Err: err}
	}
	return absolute, nil
}

// fits reports whether a socket with a name of that length in a private
// directory below base has a path the system takes.
func fits(base string, longestName int) bool {
	name := dirPrefix + strconv.Itoa(os.Getpid()) + "-" + strings.Repeat("0", hex.EncodedLen(randomBytes))
	return longestName <= 0 || len(filepath.Join(base, name))+1+longestName <= maxSocketPath()
}

// newPrivateDirIn makes a private directory directly below base.
func newPrivateDirIn(base string, gid int) (*PrivateDir, error) {
	var last error
	for range dirAttempts {
		d, err := tryPrivateDir(base, gid)
		if err == nil {
			return d, nil
		}
		last = err
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, errSwept) {
			break
		}
	}
	var typed *Error
	if errors.As(last, &typed) {
		return nil, typed
	}
	return nil, &Error{Reason: ReasonDirectory, Found: base, Expected: "a directory this user can write to", Err: last}
}

// tryPrivateDir makes a private directory of a random name.
func tryPrivateDir(base string, gid int) (*PrivateDir, error) {
	var random [randomBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	dir := filepath.Join(base, dirPrefix+strconv.Itoa(os.Getpid())+"-"+hex.EncodeToString(random[:]))
	if err := os.Mkdir(dir, ownerDirMode); err != nil {
		return nil, err
	}
	mode := ownerDirMode
	if gid != noGroup {
		mode = groupDirMode
	}
	if err := setAccess(dir, gid, mode); err != nil {
		_ = os.Remove(dir)
		return nil, accessError(dir, gid, err)
	}
	lock, err := lockNew(filepath.Join(dir, lockName))
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &PrivateDir{dir: dir, lock: lock}, nil
}

// accessError is the error of a chown or chmod of path.
func accessError(path string, gid int, err error) *Error {
	if gid != noGroup && isForbidden(err) {
		return &Error{
			Reason: ReasonGroup, Found: strconv.Itoa(gid),
			Expected: "a group of this user", Err: err,
		}
	}
	e := classify(context.Background(), path, err)
	if e.Reason == ReasonSystem {
		e.Reason = ReasonDirectory
	}
	return e
}

// Dir is the absolute path of the directory.
func (d *PrivateDir) Dir() string { return d.dir }

// Path is the absolute path of the file of that name in the directory. Nothing
// is made.
func (d *PrivateDir) Path(name string) string { return filepath.Join(d.dir, name) }

// Close removes the directory with all that is in it and lets go of the lock.
// The first call returns what went wrong ([ReasonDirectory]), further ones nil.
func (d *PrivateDir) Close() error {
	var err error
	d.close.Do(func() {
		if removeErr := os.RemoveAll(d.dir); removeErr != nil {
			err = &Error{Reason: ReasonDirectory, Found: d.dir, Err: removeErr}
		}
		if d.lock != nil {
			_ = d.lock.Close()
		}
	})
	return err
}
