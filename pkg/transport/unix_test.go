//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnixExchange(t *testing.T) {
	base := shortDir(t)
	unix := NewUnix(UnixConfig{Dir: base})
	l, err := unix.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := l.Endpoint().Address
	dir := filepath.Dir(path)
	if l.Endpoint().Network != NetworkUnix || !filepath.IsAbs(path) || filepath.Dir(dir) != base {
		t.Errorf("endpoint %+v is not in a directory below %s", l.Endpoint(), base)
	}
	if modeOf(dir) != "0700" || modeOf(path) != "0600" {
		t.Errorf("access is %s and %s, want 0700 and 0600", modeOf(dir), modeOf(path))
	}
	exchange(t, unix, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(t, dir) {
		t.Errorf("%s is left", dir)
	}
	_, err = unix.Connect(t.Context(), l.Endpoint())
	wantReason(t, err, ReasonNotFound)
}

// The listeners of a transport share a directory while any of them is open.
func TestUnixSharesDirectory(t *testing.T) {
	unix := NewUnix(UnixConfig{Dir: shortDir(t)})
	open := func() *Listener {
		t.Helper()
		l, err := unix.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first, second := open(), open()
	dir := filepath.Dir(first.Endpoint().Address)
	if filepath.Dir(second.Endpoint().Address) != dir || first.Endpoint() == second.Endpoint() {
		t.Errorf("listeners are at %s and %s, want two names in one directory", first.Endpoint(), second.Endpoint())
	}
	exchange(t, unix, first)
	if err := first.Close(); err != nil || !exists(t, dir) {
		t.Errorf("%s went with the first of two listeners, %v", dir, err)
	}
	third := open()
	if third.Endpoint() == first.Endpoint() || third.Endpoint() == second.Endpoint() {
		t.Errorf("%s was given out twice", third.Endpoint())
	}
	exchange(t, unix, second)
	for _, l := range []*Listener{second, third} {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if exists(t, dir) {
		t.Errorf("%s is left after the last listener", dir)
	}
	last := open()
	if filepath.Dir(last.Endpoint().Address) == dir {
		t.Errorf("%s is used again", dir)
	}
	if err := unix.Close(); err != nil || exists(t, filepath.Dir(last.Endpoint().Address)) {
		t.Errorf("the directory is left after the transport's end, %v", err)
	}
}

// A host's private directory takes the sockets of its plugins, and nobody else's
// directory does.
func TestUnixInAPrivateDir(t *testing.T) {
	host, err := NewPrivateDir(shortDir(t), "", 64)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	unix := NewUnix(UnixConfig{Dir: host.Dir()})
	defer func() { _ = unix.Close() }()
	var listeners []*Listener
	for range 2 {
		l, err := unix.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if path := l.Endpoint().Address; filepath.Dir(path) != host.Dir() || modeOf(path) != "0600" {
			t.Errorf("%s has mode %s, want 0600 in %s", path, modeOf(path), host.Dir())
		}
		exchange(t, unix, l)
		listeners = append(listeners, l)
	}
	for _, l := range listeners {
		if err := l.Close(); err != nil || exists(t, l.Endpoint().Address) {
			t.Errorf("%s is left, %v", l.Endpoint(), err)
		}
	}
	if !exists(t, host.Dir()) {
		t.Error("the host's directory is gone")
	}

	open := filepath.Join(shortDir(t), filepath.Base(host.Dir()))
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(shortDir(t), dirPrefix+strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{open, long, shortDir(t)} {
		l, err := NewUnix(UnixConfig{Dir: dir}).Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if own := filepath.Dir(l.Endpoint().Address); own == dir || modeOf(own) != "0700" {
			t.Errorf("a socket is in %s with mode %s, want in a directory of its own with mode 0700", own, modeOf(own))
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUnixUnlink(t *testing.T) {
	unix := NewUnix(UnixConfig{Dir: shortDir(t)})
	defer func() { _ = unix.Close() }()
	l, err := unix.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := l.Endpoint().Address
	conn, err := unix.Connect(t.Context(), l.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 2 {
		if err := l.Unlink(); err != nil {
			t.Fatal(err)
		}
	}
	if exists(t, path) || !exists(t, filepath.Dir(path)) {
		t.Error("want the socket gone and its directory there")
	}
	peer, err := l.Accept() // the connection made before is still in the queue
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := peer.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// TestUmask checks access in a process of its own: the umask belongs to a
// process as a whole.
func TestUmask(t *testing.T) {
	gid := fmt.Sprint(os.Getgid())
	for _, tt := range []struct {
		umask, group, dir, socket string
	}{
		{"000", "", "0700", "0600"},
		{"022", "", "0700", "0600"},
		{"777", "", "0700", "0600"},
		{"000", gid, "0770", "0660"},
		{"077", gid, "0770", "0660"},
	} {
		t.Run(tt.umask+" "+tt.group, func(t *testing.T) {
			args := []string{tt.umask, shortDir(t)}
			if tt.group != "" {
				args = append(args, tt.group)
			}
			c := startRole(t, "umask", args...)
			c.finish(t)
			if len(c.words) != 3 || c.words[1] != tt.dir || c.words[2] != tt.socket {
				t.Errorf("child said %q, want access %s and %s", c.words, tt.dir, tt.socket)
			}
		})
	}
}

func TestUnixGroup(t *testing.T) {
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	groups = append(groups, os.Getgid())
	if os.Geteuid() == 0 {
		groups = append(groups, 12345)
	}
	for _, gid := range groups {
		for name, config := range map[string]UnixConfig{
			"private": {Dir: shortDir(t), Group: fmt.Sprint(gid)},
			"path":    {Path: filepath.Join(shortDir(t), "s"), Group: fmt.Sprint(gid)},
		} {
			t.Run(fmt.Sprint(name, gid), func(t *testing.T) {
				unix := NewUnix(config)
				defer func() { _ = unix.Close() }()
				l, err := unix.Listen(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				path := l.Endpoint().Address
				if groupOf(t, path) != gid || modeOf(path) != "0660" {
					t.Errorf("socket has group %d, access %s; want %d, 0660", groupOf(t, path), modeOf(path), gid)
				}
				if dir := filepath.Dir(path); config.Path == "" && (groupOf(t, dir) != gid || modeOf(dir) != "0770") {
					t.Errorf("directory has group %d, access %s; want %d, 0770", groupOf(t, dir), modeOf(dir), gid)
				}
			})
		}
	}
}

func groupOf(t *testing.T, path string) int {
	t.Helper()
	found, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(found.Sys().(*syscall.Stat_t).Gid)
}

func TestUnixRefusesGroups(t *testing.T) {
	groups := []string{"no-such-group-here", "-1", "4294967295", "4294967296", "99999999999999999999"}
	if os.Geteuid() != 0 {
		groups = append(groups, "0") // we are no member
	}
	for _, group := range groups {
		t.Run(group, func(t *testing.T) {
			base := shortDir(t)
			for _, config := range []UnixConfig{{Dir: base, Group: group}, {Path: filepath.Join(base, "s"), Group: group}} {
				_, err := NewUnix(config).Listen(t.Context())
				if e := wantReason(t, err, ReasonGroup); e.Found != group {
					t.Errorf("found %q, want %q", e.Found, group)
				}
			}
			if left, _ := filepath.Glob(base + "/*"); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestLookupGroupByName(t *testing.T) {
	content, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 3 || fields[0] == "" || strings.HasPrefix(line, "#") {
			continue
		}
		gid, err := lookupGroup(fields[0])
		if err != nil || fmt.Sprint(gid) != fields[2] {
			t.Errorf("%s: got %d, %v; want %s", fields[0], gid, err, fields[2])
		}
		return
	}
	t.Skip("no group by name")
}

func TestUnixConnectErrors(t *testing.T) {
	dir := shortDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(dir, "stale")
	leaveSocket(t, stale)
	tests := []struct {
		name     string
		endpoint Endpoint
		want     Reason
	}{
		{"nothing there", Endpoint{"unix", filepath.Join(dir, "none")}, ReasonNotFound},
		{"left-over", Endpoint{"unix", stale}, ReasonRefused},
		{"plain file", Endpoint{"unix", file}, ReasonNotSocket},
		{"directory", Endpoint{"unix", dir}, ReasonNotSocket},
		{"empty", Endpoint{"unix", ""}, ReasonAddress},
		{"tcp", Endpoint{"tcp", "127.0.0.1:1"}, ReasonAddress},
		{"too long", Endpoint{"unix", "/" + strings.Repeat("x", 200)}, ReasonPathTooLong},
	}
	unix := NewUnix(UnixConfig{})
	defer func() { _ = unix.Close() }()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unix.Connect(t.Context(), tt.endpoint)
			wantReason(t, err, tt.want)
		})
	}
}

// leaveSocket leaves a socket at path that nobody listens at.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUnixContext(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	base := shortDir(t)
	for _, config := range []UnixConfig{{Dir: base}, {Path: filepath.Join(base, "s")}} {
		unix := NewUnix(config)
		_, err := unix.Listen(canceled)
		if wantReason(t, err, ReasonCanceled); !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not unwrap to context.Canceled", err)
		}
		_, err = unix.Connect(canceled, Endpoint{NetworkUnix, filepath.Join(base, "s")})
		wantReason(t, err, ReasonCanceled)
	}
	if left, _ := filepath.Glob(base + "/*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
