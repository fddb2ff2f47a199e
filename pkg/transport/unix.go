package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"time"
)

// socketName is the name of the first socket in a private directory, and no
// other has a longer one.
const (
	socketName   = "plugin" + socketSuffix
	socketSuffix = ".sock"
)

// The access a socket is given: its owner, or its owner and a group.
const (
	ownerSocketMode os.FileMode = 0o600
	groupSocketMode os.FileMode = 0o660
)

// UnixConfig configures a [Unix] transport. Its zero value listens in private
// directories below the system's temporary directory.
type UnixConfig struct {
	// Dir is where private directories are made; empty is [os.TempDir]. A host
	// sets it with PLUGIN_UNIX_SOCKET_DIR. Where Dir is a [PrivateDir] itself,
	// sockets are made in it, and no directory. A Dir too long for a socket path is
	// replaced as [NewPrivateDir] says.
	Dir string

	// Path is the path of the socket itself, instead of a private directory. A
	// left-over socket there is replaced; see [Unix.Listen].
	Path string

	// Group, by name or number, may connect as well: the socket gets mode 0660
	// and that group. A host sets it with PLUGIN_UNIX_SOCKET_GROUP. Empty is
	// nobody but the owner, mode 0600.
	Group string

	// DialTimeout bounds each Connect; 0 is [DefaultDialTimeout].
	DialTimeout time.Duration
}

// Unix is the [Transport] over unix sockets.
type Unix struct {
	config UnixConfig
	open   registry
	room   room
}

// NewUnix makes a transport. Nothing is checked or opened before the first
// Listen or Connect; the caller closes it.
func NewUnix(config UnixConfig) *Unix { return &Unix{config: config} }

// Network is [NetworkUnix].
func (u *Unix) Network() string { return NetworkUnix }

// Listen opens a socket that only its owner (and the configured group) may
// connect to, whatever the process's umask. Without a Path it is in a private
// directory, which the listeners that are open at the same time share, or in
// Dir, if that is one.
//
// With a Path, a file that is there already is looked at first. A socket that
// refuses connections is a left-over and is removed. A live one fails with
// [ReasonInUse], and sees the probe as a connection that ends at once. Anything
// else, a symbolic link included, fails with [ReasonNotSocket]. Two processes
// that start together do not take each other's socket away. Other reasons are
// [ReasonPathTooLong], [ReasonDirectory], [ReasonGroup], [ReasonPermission].
func (u *Unix) Listen(ctx context.Context) (*Listener, error) {
	ctx, end, err := u.open.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if ctx.Err() != nil {
		return nil, classify(ctx, u.config.Path, ctx.Err())
	}
	listen := u.listenPrivately
	if u.config.Path != "" {
		listen = u.listenAtPath
	}
	l, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	return u.open.adopt(l)
}

// listenPrivately listens in the private directory.
func (u *Unix) listenPrivately(ctx context.Context) (*Listener, error) {
	gid, err := lookupGroup(u.config.Group)
	if err != nil {
		return nil, err
	}
	if path, ok := guestPath(u.config); ok {
		return bind(ctx, path, gid)
	}
	dir, name, err := u.room.enter(u.config)
	if err != nil {
		return nil, err
	}
	l, err := bind(ctx, dir.Path(name), gid)
	if err != nil {
		_ = u.room.leave()
		return nil, err
	}
	l.leave = u.room.leave
	return l, nil
}

// listenAtPath listens at the configured path, once that is free.
func (u *Unix) listenAtPath(ctx context.Context) (*Listener, error) {
	gid, err := lookupGroup(u.config.Group)
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(u.config.Path)
	if err != nil {
		return nil, &Error{Reason: ReasonAddress, Found: u.config.Path, Err: err}
	}
	if err := checkPathLength(path); err != nil {
		return nil, err
	}
	release := lockDirectory(ctx, filepath.Dir(path))
	defer release()
	if ctx.Err() != nil {
		return nil, classify(ctx, path, ctx.Err())
	}
	if err := clearStale(ctx, path); err != nil {
		return nil, err
	}
	return bind(ctx, path, gid)
}

// bind makes the socket at path. It is never open to more than its owner before
// it belongs to the group, where the system allows that.
func bind(ctx context.Context, path string, gid int) (*Listener, error) {
	config := net.ListenConfig{Control: narrowSocket}
	inner, err := config.Listen(ctx, NetworkUnix, path)
	if err != nil {
		e := classify(ctx, path, err)
		if e.Reason == ReasonNotFound {
			e.Reason, e.Found = ReasonDirectory, filepath.Dir(path)
		}
		return nil, e
	}
	if listener, ok := inner.(*net.UnixListener); ok {
		listener.SetUnlinkOnClose(false) // by path, whoever's file that is; see socketFile
	}
	made, err := os.Lstat(path)
	if err == nil {
		mode := ownerSocketMode
		if gid != noGroup {
			mode = groupSocketMode
		}
		err = setAccess(path, gid, mode)
	}
	if err != nil {
		_ = inner.Close()
		_ = os.Remove(path)
		return nil, accessError(path, gid, err)
	}
	return &Listener{
		Listener: inner,
		endpoint: Endpoint{Network: NetworkUnix, Address: path},
		file:     &socketFile{path: path, made: made},
	}, nil
}

// Connect dials the socket at endpoint. Where the listener's queue is full it
// tries again until time is up. Reasons are [ReasonNotFound], [ReasonRefused]
// (a left-over socket), [ReasonNotSocket], [ReasonPermission],
// [ReasonPathTooLong], [ReasonAddress], [ReasonTimeout], [ReasonCanceled],
// [ReasonClosed].
func (u *Unix) Connect(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	if err := endpoint.check(NetworkUnix); err != nil {
		return nil, err
	}
	conn, err := u.open.connect(ctx, endpoint, u.config.DialTimeout)
	if err != nil {
		return nil, refine(endpoint.Address, err)
	}
	return conn, nil
}

// refine tells a refusal by something that is no socket from that by a socket
// nobody listens at; systems say both in the same words.
func refine(path string, err error) error {
	var e *Error
	if !errors.As(err, &e) || (e.Reason != ReasonRefused && e.Reason != ReasonSystem) {
		return err
	}
	if found, statErr := os.Stat(path); statErr != nil || found.Mode()&os.ModeSocket != 0 {
		return err
	}
	return &Error{Reason: ReasonNotSocket, Found: path, Expected: "the socket of a plugin", Err: e.Err}
}

// Close closes every listener, removes what they left in the file system, and
// ends the calls under way. See [Transport].
func (u *Unix) Close() error { return u.open.close() }
