//go:build unix

package bridge_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// After SIGKILL of the host, and of the bridge, nothing of the rest is left
// two seconds later: no process, no socket, no directory. Calls run meanwhile.
func TestDeath(t *testing.T) {
	times := 10
	if testing.Short() {
		times = 1
	}
	for name, test := range map[string]struct {
		ours   bool
		victim func(running, *exec.Cmd) int
	}{
		"of go-plugin's host": {false, func(_ running, host *exec.Cmd) int { return host.Process.Pid }},
		"of our host":         {true, func(_ running, host *exec.Cmd) int { return host.Process.Pid }},
		// Under go-plugin, whose host leaves no files of its own.
		"of the bridge": {false, func(r running, _ *exec.Cmd) int { return r.Bridge }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var took []time.Duration
			for range times {
				took = append(took, dieOnce(t, test.ours, test.victim))
			}
			slices.Sort(took)
			t.Logf("all gone after %s to %s, median %s, of %d", took[0], took[len(took)-1], took[len(took)/2], len(took))
		})
	}
}

// dieOnce starts a host with a bridge, a child and a grandchild, kills one of
// them, and returns how long it took until the rest was gone.
func dieOnce(t *testing.T, ours bool, victim func(running, *exec.Cmd) int) time.Duration {
	t.Helper()
	tmp := shortTemp(t)
	host := exec.CommandContext(t.Context(), self())
	host.Env = append(os.Environ(), as("host", hostKey, hostConfig{
		Ours: ours, Bridge: bridgeConfig{Child: childConfig{IgnoreTerm: true, Grandchild: true}},
	})...)
	host.Env = append(host.Env, "TMPDIR="+tmp)
	host.Stderr = os.Stderr
	stdout, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = host.Process.Kill()
		_ = host.Wait()
	}()
	var who running
	if err := json.NewDecoder(stdout).Decode(&who); err != nil {
		t.Fatal(err)
	}
	if !alive(who.Bridge) || !alive(who.Child) || !alive(who.Grandchild) {
		t.Fatalf("not all of %+v run", who)
	}
	pid := victim(who, host)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return isGone(t, 2*time.Second, tmp, who.Bridge, who.Child, who.Grandchild)
}
