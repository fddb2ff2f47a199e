package transport

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// room is the private directory that the listeners of one [Unix] share while
// any of them is open. The zero value is ready.
type room struct {
	mu        sync.Mutex
	dir       *PrivateDir // nil while nobody is in
	listeners int         // that are open in dir
	made      uint64      // names given out in dir
}

// enter returns the directory, made if need be, and a name in it that was never
// used. Whoever enters leaves.
func (r *room) enter(config UnixConfig) (*PrivateDir, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == nil {
		dir, err := NewPrivateDir(config.Dir, config.Group, len(socketName))
		if err != nil {
			return nil, "", err
		}
		r.dir, r.made = dir, 0
	}
	name := socketName
	if r.made > 0 {
		name = strconv.FormatUint(r.made, 36) + socketSuffix
	}
	r.listeners++
	r.made++
	return r.dir, name, nil
}

// leave removes the directory after the last listener.
func (r *room) leave() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listeners--
	if r.listeners > 0 {
		return nil
	}
	dir := r.dir
	r.dir = nil
	return dir.Close()
}

// guestPath returns a path for a socket directly in the configured directory if
// that is a private one already, made by a host of ours, who also removes it.
func guestPath(config UnixConfig) (path string, ok bool) {
	if config.Dir == "" || config.Group != "" || !strings.HasPrefix(filepath.Base(config.Dir), dirPrefix) {
		return "", false
	}
	found, err := os.Lstat(config.Dir)
	if err != nil || !found.IsDir() || found.Mode().Perm()&^ownerDirMode != 0 || !ownedByUs(found) {
		return "", false
	}
	var random [2 * randomBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	path, err = filepath.Abs(filepath.Join(config.Dir, hex.EncodeToString(random[:])+socketSuffix))
	return path, err == nil && checkPathLength(path) == nil
}
