//go:build unix

package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestListenAtPath(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	for _, before := range []string{"free", "left-over"} {
		if before == "left-over" {
			leaveSocket(t, path)
		}
		unix := NewUnix(UnixConfig{Path: path})
		l, err := unix.Listen(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", before, err)
		}
		if l.Endpoint().Address != path || modeOf(path) != "0600" {
			t.Errorf("%s: listens at %s, access %s", before, l.Endpoint(), modeOf(path))
		}
		exchange(t, unix, l)
		if err := unix.Close(); err != nil {
			t.Fatal(err)
		}
		if exists(t, path) || !exists(t, filepath.Dir(path)) {
			t.Errorf("%s: want the socket gone and its directory there", before)
		}
	}
}

func TestListenAtRelativePath(t *testing.T) {
	dir := shortDir(t)
	t.Chdir(dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	unix := NewUnix(UnixConfig{Path: "@s"}) // a file, not a name without one
	defer func() { _ = unix.Close() }()
	l, err := unix.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(here, "@s"); l.Endpoint().Address != want || !exists(t, want) {
		t.Errorf("listens at %s, want %s", l.Endpoint(), want)
	}
}

func TestListenAtPathRefuses(t *testing.T) {
	dir := shortDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	leaveSocket(t, at("stale"))
	if err := os.Symlink(at("stale"), at("link")); err != nil {
		t.Fatal(err)
	}
	datagrams, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at("datagrams"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = datagrams.Close() }()
	live, err := net.Listen("unix", at("live"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = live.Close() }()

	tests := []struct {
		name, path string
		want       Reason
	}{
		{"plain file", at("file"), ReasonNotSocket},
		{"directory", dir, ReasonNotSocket},
		{"link to a left-over", at("link"), ReasonNotSocket},
		{"live", at("live"), ReasonInUse},
		{"live, for datagrams", at("datagrams"), ReasonInUse},
		{"no directory", at("none/s"), ReasonDirectory},
		{"too long", at(strings.Repeat("x", 120)), ReasonPathTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := exists(t, tt.path) || tt.want == ReasonDirectory || tt.want == ReasonPathTooLong
			_, err := NewUnix(UnixConfig{Path: tt.path}).Listen(t.Context())
			wantReason(t, err, tt.want)
			if tt.want != ReasonDirectory && tt.want != ReasonPathTooLong && (!before || !exists(t, tt.path)) {
				t.Errorf("%s was removed", tt.path)
			}
		})
	}
	if content, err := os.ReadFile(at("file")); err != nil || string(content) != "precious" {
		t.Errorf("the file is now %q, %v", content, err)
	}
}

// TestOneStartWins has many starts meet one left-over socket. Exactly one may
// listen, and its socket must still be there afterwards.
func TestOneStartWins(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	for range 20 {
		leaveSocket(t, path)
		var group sync.WaitGroup
		winners := make(chan *Unix, 8)
		for range 8 {
			group.Go(func() {
				unix := NewUnix(UnixConfig{Path: path})
				_, err := unix.Listen(t.Context())
				var e *Error
				switch {
				case err == nil:
					winners <- unix
				case !errors.As(err, &e) || e.Reason != ReasonInUse:
					t.Errorf("got %v, want reason %q", err, ReasonInUse)
				}
			})
		}
		group.Wait()
		if len(winners) != 1 {
			t.Fatalf("%d starts listen at one path", len(winners))
		}
		winner := <-winners
		conn, err := winner.Connect(t.Context(), Endpoint{NetworkUnix, path})
		if err != nil {
			t.Fatalf("the winner's socket: %v", err)
		}
		_ = conn.Close()
		if err := winner.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestListenAwaitsAnothersStart holds what a start in the same directory holds:
// as long as it does, nothing there may be judged a left-over.
func TestListenAwaitsAnothersStart(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	leaveSocket(t, path)
	release := lockDirectory(t.Context(), filepath.Dir(path))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	unix := NewUnix(UnixConfig{Path: path})
	defer func() { _ = unix.Close() }()
	_, err := unix.Listen(ctx)
	wantReason(t, err, ReasonTimeout)
	if !exists(t, path) {
		t.Fatal("the socket was removed under the lock of another start")
	}
	release()
	if _, err := unix.Listen(t.Context()); err != nil {
		t.Errorf("after the other start: %v", err)
	}
}

func TestCloseLeavesAnothersSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	unix := NewUnix(UnixConfig{Path: path})
	l, err := unix.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".old"); err != nil { // keeps its inode from being used again
		t.Fatal(err)
	}
	leaveSocket(t, path)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(t, path) {
		t.Error("a socket somebody else made was removed")
	}
}
