package transport

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"
)

// probeTimeout is how long a socket in the way gets to show that it is alive.
const probeTimeout = time.Second

// clearStale makes way at path: a socket nobody listens at is removed, anything
// else is an error. The caller holds the lock of the directory.
func clearStale(ctx context.Context, path string) error {
	found, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return classify(ctx, path, err)
	}
	if found.Mode()&fs.ModeSocket == 0 {
		return &Error{Reason: ReasonNotSocket, Found: path, Expected: "a free path or a left-over socket"}
	}
	if err := probe(ctx, path); err != nil {
		return err
	}
	now, err := os.Lstat(path)
	if err == nil && !os.SameFile(found, now) {
		return &Error{Reason: ReasonInUse, Found: path, Expected: "a socket nobody else takes over"}
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return classify(ctx, path, err)
	}
	return nil
}

// probe gives nil if, and only if, nobody listens at the socket.
func probe(ctx context.Context, path string) error {
	dialer := net.Dialer{Timeout: probeTimeout}
	conn, err := dialer.DialContext(ctx, NetworkUnix, path)
	switch {
	case err == nil:
		_ = conn.Close()
		return &Error{Reason: ReasonInUse, Found: path, Expected: "a path nobody listens at"}
	case isBusy(err), isOtherType(err):
		return &Error{Reason: ReasonInUse, Found: path, Expected: "a path nobody listens at", Err: err}
	case isRefused(err), errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return classify(ctx, path, err)
	}
}
