package process

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// family starts a middle process that starts a leader, which does not look at
// its standard input, and has a child with the role given.
func family(t *testing.T, grandchild string, guard bool, remove ...string) (tt *tether, middle *Process) {
	t.Helper()
	tt = newTether(t)
	leader := tt.role(t, "leader", grandchild)
	leader.Guard, leader.RemoveOnDeath = guard, remove
	cfg, err := json.Marshal(leader)
	if err != nil {
		t.Fatal(err)
	}
	middle = start(t, tt.role(t, "middle", string(cfg)))
	return tt, middle
}

func TestDeathOfParentEndsChild(t *testing.T) {
	tt, middle := family(t, "stubborn", false)
	grandchild, child := tt.join(t, "stubborn"), tt.join(t, "leader")
	tt.join(t, "middle")
	// Without a guardian it lives on, as it ignores the end of its input.
	defer grandchild.awaitEnd(t, "grandchild")
	defer func() { _ = syscall.Kill(grandchild.pid, syscall.SIGKILL) }()
	if err := syscall.Kill(middle.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	child.awaitEnd(t, "child")
}

func TestDeathOfParentEndsStandardInput(t *testing.T) {
	tt, middle := family(t, "stdin", false)
	grandchild := tt.join(t, "stdin")
	tt.join(t, "middle")
	if err := syscall.Kill(middle.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	grandchild.awaitEnd(t, "grandchild that reads standard input")
}

func TestDeathOfParentEndsGroupAndRemovesDirectories(t *testing.T) {
	base := t.TempDir()
	dirs := []string{filepath.Join(base, "one"), filepath.Join(base, "the other")}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tt, middle := family(t, "stubborn", true, dirs...)
	grandchild, child := tt.join(t, "stubborn"), tt.join(t, "leader")
	tt.join(t, "middle")
	if err := syscall.Kill(middle.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	child.awaitEnd(t, "child")
	grandchild.awaitEnd(t, "grandchild")
	for _, dir := range dirs {
		poll(t, "the removal of "+dir, func() bool {
			_, err := os.Stat(dir)
			return os.IsNotExist(err)
		})
	}
	if _, err := os.Stat(base); err != nil {
		t.Errorf("more was removed than asked for: %v", err)
	}
}

func TestCloseLeavesDirectories(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Command: []string{"cat"}, Guard: true, RemoveOnDeath: []string{dir}})
	shell := awaitShell(p.guard)
	_ = p.Kill()
	awaitExit(t, p)
	if !alive(shell) {
		t.Error("guardian ended before Close: nobody would remove the directory")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if alive(shell) {
		t.Error("guardian lives when Close has returned")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("directory was removed: %v", err)
	}
}
