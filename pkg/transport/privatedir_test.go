//go:build unix

package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrivateDir(t *testing.T) {
	base := shortDir(t)
	d, err := NewPrivateDir(base, "", len("s"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(d.Dir())
	pid, ok := ownerOf(name)
	if filepath.Dir(d.Dir()) != base || !ok || pid != os.Getpid() {
		t.Errorf("%s is not rpcplugin-%d-<random> in %s", d.Dir(), os.Getpid(), base)
	}
	if d.Path("s") != filepath.Join(d.Dir(), "s") {
		t.Errorf("Path is %s", d.Path("s"))
	}
	if modeOf(d.Dir()) != "0700" || modeOf(d.Path(lockName)) != "0600" {
		t.Errorf("access is %s, of the lock %s", modeOf(d.Dir()), modeOf(d.Path(lockName)))
	}
	other, err := os.OpenFile(d.Path(lockName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if tryLock(other) == nil {
		t.Error("the lock is not held")
	}
	if err := os.MkdirAll(d.Path("deep/er"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if exists(t, d.Dir()) {
		t.Errorf("%s is left", d.Dir())
	}
	if err := tryLock(other); err != nil {
		t.Errorf("the lock is still held: %v", err)
	}
}

func TestPrivateDirGroup(t *testing.T) {
	d, err := NewPrivateDir(shortDir(t), fmt.Sprint(os.Getgid()), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if groupOf(t, d.Dir()) != os.Getgid() || modeOf(d.Dir()) != "0770" {
		t.Errorf("group %d, access %s", groupOf(t, d.Dir()), modeOf(d.Dir()))
	}
}

func TestPrivateDirDefaultsToTempDir(t *testing.T) {
	base := shortDir(t)
	t.Setenv("TMPDIR", base)
	d, err := NewPrivateDir("", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if filepath.Dir(d.Dir()) != base {
		t.Errorf("made in %s, want %s", filepath.Dir(d.Dir()), base)
	}
}

func TestPrivateDirIsAbsolute(t *testing.T) {
	t.Chdir(shortDir(t))
	d, err := NewPrivateDir(".", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if !filepath.IsAbs(d.Dir()) || !exists(t, d.Dir()) {
		t.Errorf("%s is not absolute", d.Dir())
	}
}

func TestPrivateDirFallsBack(t *testing.T) {
	long := filepath.Join(shortDir(t), strings.Repeat("x", 90))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	runtimeDir := shortDir(t)
	t.Chdir(shortDir(t))
	if err := os.Mkdir("relative", 0o700); err != nil {
		t.Fatal(err)
	}
	group := fmt.Sprint(os.Getgid())
	tests := []struct {
		name, runtime, group string
		longest              int
		want                 string
	}{
		{"to the run-time directory", runtimeDir, "", 11, runtimeDir},
		{"not there for a group", runtimeDir, group, 11, "/tmp"},
		{"not to a relative one", "relative", "", 11, "/tmp"},
		{"not to one that is too long itself", long, "", 11, "/tmp"},
		{"not to one that is not there", filepath.Join(runtimeDir, "none"), "", 11, "/tmp"},
		{"not without a socket", runtimeDir, "", 0, long},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", tt.runtime)
			d, err := NewPrivateDir(long, tt.group, tt.longest)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			if filepath.Dir(d.Dir()) != tt.want {
				t.Errorf("made in %s, want %s", filepath.Dir(d.Dir()), tt.want)
			}
		})
	}
	t.Run("and its sockets work", func(t *testing.T) {
		t.Setenv("TMPDIR", long)
		unix := NewUnix(UnixConfig{})
		defer func() { _ = unix.Close() }()
		l, err := unix.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, unix, l)
	})
}

// TestLongestFittingBase walks over the limit byte by byte: what fits is used,
// and the system agrees.
func TestLongestFittingBase(t *testing.T) {
	parent := shortDir(t)
	t.Setenv("XDG_RUNTIME_DIR", "")
	own := 0
	for length := 1; len(parent)+1+length < maxSocketPath(); length++ {
		base := filepath.Join(parent, strings.Repeat("x", length))
		if err := os.Mkdir(base, 0o700); err != nil {
			t.Fatal(err)
		}
		unix := NewUnix(UnixConfig{Dir: base})
		l, err := unix.Listen(t.Context())
		if err != nil {
			t.Fatalf("base of %d bytes: %v", len(base), err)
		}
		path := l.Endpoint().Address
		inBase := strings.HasPrefix(path, base)
		if inBase {
			own = len(path)
		}
		if !inBase && own != maxSocketPath() {
			t.Fatalf("left base at %d bytes, its last path had %d, want %d", len(base), own, maxSocketPath())
		}
		if err := unix.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if own != maxSocketPath() {
		t.Errorf("longest path in its own base has %d bytes, want %d", own, maxSocketPath())
	}
}

func TestPrivateDirErrors(t *testing.T) {
	base := shortDir(t)
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, base, group string
		longest           int
		want              Reason
	}{
		{"no such base", filepath.Join(base, "none"), "", 1, ReasonDirectory},
		{"base is a file", file, "", 1, ReasonDirectory},
		{"no such group", base, "no-such-group-here", 1, ReasonGroup},
		{"name too long anywhere", base, "", 107, ReasonPathTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewPrivateDir(tt.base, tt.group, tt.longest)
			wantReason(t, err, tt.want)
		})
	}
}

func TestLockNewAgainstASweep(t *testing.T) {
	path := filepath.Join(shortDir(t), "gone", lockName)
	if _, err := lockNew(path); err != errSwept { //nolint:errorlint // exactly this one makes a new try
		t.Errorf("got %v, want %v", err, errSwept)
	}
}
