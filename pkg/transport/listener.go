package transport

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
)

// Listener is a listening socket together with the files it owns. It is made
// by the Listen of a [Transport] and closed by whoever asked for it.
type Listener struct {
	// Listener accepts the connections.
	net.Listener

	endpoint Endpoint
	file     *socketFile            // nil for tcp
	leave    func() error           // the private directory; nil without one
	forget   func(closed *Listener) // tells the transport; may be nil
	once     sync.Once
}

// Endpoint is where this listener can be reached: an absolute path, or the host
// and the port that was really taken.
func (l *Listener) Endpoint() Endpoint { return l.endpoint }

// Unlink removes the socket file early, as soon as nobody needs to find it any
// more. The listener and its connections stay as they are, the private
// directory stays until Close. A file that somebody else put at the path since
// is left alone. Further calls, and calls on TCP, do nothing.
func (l *Listener) Unlink() error {
	if l.file == nil {
		return nil
	}
	return l.file.remove()
}

// Close stops accepting and removes the socket file, and the private directory
// if no other listener of the transport is open in it.
// Accepted connections stay open. The first call returns what went wrong,
// further ones nil.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() {
		err = l.Listener.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		if unlinkErr := l.Unlink(); err == nil {
			err = unlinkErr
		}
		if l.leave != nil {
			if dirErr := l.leave(); err == nil {
				err = dirErr
			}
		}
		if l.forget != nil {
			l.forget(l)
		}
	})
	return err
}

// socketFile is the file of a bound unix socket.
type socketFile struct {
	path string
	made fs.FileInfo // as it was when we made it

	mu   sync.Mutex
	gone bool
}

// remove deletes the file once, if it is still the one we made.
func (f *socketFile) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return nil
	}
	now, err := os.Lstat(f.path)
	if err == nil && os.SameFile(f.made, now) {
		err = os.Remove(f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{Reason: ReasonDirectory, Found: f.path, Err: err}
	}
	f.gone = true
	return nil
}
