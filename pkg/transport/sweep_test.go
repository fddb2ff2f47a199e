//go:build unix

package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// deadPid is the number of a process that has come and gone.
func deadPid(t *testing.T) int {
	t.Helper()
	c := startRole(t, "hold", shortDir(t))
	c.finish(t)
	return c.cmd.Process.Pid
}

// sweepIs sweeps one base and expects so many directories to go.
func sweepIs(t *testing.T, base string, want int) {
	t.Helper()
	if removed, err := sweepOne(base); err != nil || removed != want {
		t.Fatalf("removed %d, %v; want %d", removed, err, want)
	}
}

func TestSweepAfterAKill(t *testing.T) {
	base := shortDir(t)
	c := startRole(t, "hold", base)
	socket := c.words[0]
	sweepIs(t, base, 0)
	if !exists(t, socket) {
		t.Fatal("the socket of a living process was removed")
	}
	c.kill()
	if !exists(t, socket) {
		t.Fatal("nothing is left over, so nothing is tested")
	}
	removed, err := Sweep(base) // other bases may hold left-overs of their own
	if err != nil || removed < 1 {
		t.Fatalf("removed %d, %v", removed, err)
	}
	if exists(t, filepath.Dir(socket)) {
		t.Error("the directory of a dead process is left")
	}
	sweepIs(t, base, 0)
}

func TestSweepVisitsFallbacks(t *testing.T) {
	base := shortDir(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	c := startRole(t, "hold", base)
	c.kill()
	if removed, err := Sweep(shortDir(t)); err != nil || removed < 1 || exists(t, filepath.Dir(c.words[0])) {
		t.Errorf("removed %d, %v", removed, err)
	}
}

// makeOld makes a directory that is old enough to be a left-over.
func makeOld(t *testing.T, base, name string, withLock bool) string {
	t.Helper()
	dir := filepath.Join(base, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if withLock {
		writeFile(t, filepath.Join(dir, lockName))
	}
	setAge(t, dir, 2*unlockedAge)
	return dir
}

func writeFile(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func setAge(t *testing.T, path string, age time.Duration) {
	t.Helper()
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// sweepCase puts something into base and gives the path to watch.
type sweepCase struct {
	name string
	make func(t *testing.T, base, ours string) (watched string)
}

// sweptCases are left-overs by every rule.
func sweptCases() []sweepCase {
	return []sweepCase{
		{"with a lock", func(t *testing.T, base, ours string) string {
			return makeOld(t, base, ours, true)
		}},
		{"old, without a lock", func(t *testing.T, base, ours string) string {
			return makeOld(t, base, ours, false)
		}},
	}
}

// sparedCases each miss one of the rules.
func sparedCases() []sweepCase {
	return []sweepCase{
		{"new, without a lock", func(t *testing.T, base, ours string) string {
			dir := makeOld(t, base, ours, false)
			setAge(t, dir, 0)
			return dir
		}},
		{"lock is held", func(t *testing.T, base, ours string) string {
			dir := makeOld(t, base, ours, true)
			lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = lock.Close() })
			if err := tryLock(lock); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{"process lives", func(t *testing.T, base, _ string) string {
			return makeOld(t, base, fmt.Sprintf("rpcplugin-%d-0123abcd", os.Getpid()), true)
		}},
		{"another name", func(t *testing.T, base, ours string) string {
			return makeOld(t, base, ours+".notes", true)
		}},
		{"a link", func(t *testing.T, base, ours string) string {
			target := makeOld(t, shortDir(t), "target", true)
			symlink(t, target, filepath.Join(base, ours))
			return filepath.Join(target, lockName)
		}},
		{"what a link inside points to", func(t *testing.T, base, ours string) string {
			target := makeOld(t, shortDir(t), "target", true)
			symlink(t, target, filepath.Join(makeOld(t, base, ours, true), "link"))
			return filepath.Join(target, lockName)
		}},
		{"a plain file", func(t *testing.T, base, ours string) string {
			return writeFile(t, filepath.Join(base, ours))
		}},
		{"another user's", func(t *testing.T, base, ours string) string {
			dir := makeOld(t, base, ours, true)
			if err := os.Chown(dir, 12345, -1); err != nil {
				t.Skip("only root can give a directory away")
			}
			return dir
		}},
	}
}

func TestSweepRules(t *testing.T) {
	ours := fmt.Sprintf("rpcplugin-%d-0123abcd", deadPid(t))
	for there, cases := range map[bool][]sweepCase{false: sweptCases(), true: sparedCases()} {
		for _, tt := range cases {
			t.Run(tt.name, func(t *testing.T) {
				base := shortDir(t)
				watched := tt.make(t, base, ours)
				if _, err := sweepOne(base); err != nil {
					t.Fatal(err)
				}
				if exists(t, watched) != there {
					t.Errorf("%s: is there: %v, want %v", watched, !there, there)
				}
			})
		}
	}
}

func TestSweepGoesOnAfterAFailure(t *testing.T) {
	pid := deadPid(t)
	base := shortDir(t)
	bad := makeOld(t, base, fmt.Sprintf("rpcplugin-%d-00000000", pid), false)
	good := makeOld(t, base, fmt.Sprintf("rpcplugin-%d-00000001", pid), true)
	symlink(t, "elsewhere", filepath.Join(bad, lockName))
	removed, err := sweepOne(base)
	if e := wantReason(t, err, ReasonDirectory); e.Found != bad || removed != 1 || exists(t, good) || !exists(t, bad) {
		t.Errorf("removed %d, %v", removed, err)
	}
}

// TestSweepsTogether has several sweeps meet: each directory counts once.
func TestSweepsTogether(t *testing.T) {
	const dirs, sweeps = 200, 4
	pid := deadPid(t)
	base := shortDir(t)
	for i := range dirs {
		makeOld(t, base, fmt.Sprintf("rpcplugin-%d-%08x", pid, i), true)
	}
	var group sync.WaitGroup
	var total atomic.Int64
	for range sweeps {
		group.Go(func() {
			removed, err := sweepOne(base)
			if err != nil {
				t.Error(err)
			}
			total.Add(int64(removed))
		})
	}
	group.Wait()
	if total.Load() != dirs {
		t.Errorf("removed %d in all, want %d", total.Load(), dirs)
	}
	sweepIs(t, base, 0)
}

func TestSweepWithoutABase(t *testing.T) {
	sweepIs(t, filepath.Join(shortDir(t), "none"), 0)
}

func TestOwnerOf(t *testing.T) {
	tests := []struct {
		name string
		pid  int // 0: not ours
	}{
		{"rpcplugin-12-0123abcd", 12},
		{"rpcplugin-0-0123abcd", 0},
		{"rpcplugin--1-0123abcd", 0},
		{"rpcplugin-+1-0123abcd", 0},
		{"rpcplugin-01-0123abcd", 0},
		{"rpcplugin-99999999999999999999-0123abcd", 0},
		{"rpcplugin-12-0123abc", 0},
		{"rpcplugin-12-0123abcg", 0},
		{"rpcplugin-12", 0},
		{"rpcplugin-", 0},
		{"plugin-12-0123abcd", 0},
	}
	for _, tt := range tests {
		if pid, ok := ownerOf(tt.name); pid != tt.pid || ok != (tt.pid != 0) {
			t.Errorf("%s: got %d, %v; want %d", tt.name, pid, ok, tt.pid)
		}
	}
}
