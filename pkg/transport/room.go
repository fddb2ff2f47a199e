package transport

import (
	"strconv"
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
		name = strconv.FormatUint(r.made, 36) + ".sock"
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
