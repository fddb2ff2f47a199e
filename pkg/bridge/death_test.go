//go:build unix

package bridge_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Variables that make TestDeath heavier.
const (
	killsVariable = "RPCPLUGIN_KILLS" // how often each is killed
	busyVariable  = "RPCPLUGIN_BUSY"  // how many processes keep the machine busy meanwhile
)

// gonePromise is how soon after a death nothing may be left.
const gonePromise = time.Second

// death is how a TestDeath goes.
type death struct {
	ours   bool // our host, not go-plugin's
	victim func(running, *exec.Cmd) int
	stops  bool // the host lives on, tells how calls ended, and stops
}

// After SIGKILL of the host, of the bridge and of the child, with the host's stop,
// nothing of the rest is left: no process, no socket, no directory. Calls run
// meanwhile.
func TestDeath(t *testing.T) {
	times := setting(t, killsVariable, 10)
	if testing.Short() {
		times = 1
	}
	for range setting(t, busyVariable, 0) {
		busy(t)
	}
	ofHost := func(_ running, host *exec.Cmd) int { return host.Process.Pid }
	ofChild := func(r running, _ *exec.Cmd) int { return r.Child }
	for name, test := range map[string]death{
		"of go-plugin's host": {false, ofHost, false},
		"of our host":         {true, ofHost, false},
		// Under go-plugin, whose host leaves no files of its own.
		"of the bridge":                  {false, func(r running, _ *exec.Cmd) int { return r.Bridge }, false},
		"of the child, go-plugin's host": {false, ofChild, true},
		"of the child, our host":         {true, ofChild, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var took []time.Duration
			for range times {
				took = append(took, test.once(t))
			}
			slices.Sort(took)
			t.Logf("%s: all gone after %s to %s, median %s, 90 %% within %s, of %d",
				name, took[0], took[len(took)-1], took[len(took)/2], took[len(took)*9/10], len(took))
		})
	}
}

// setting is a number in the environment.
func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return number
}

// busy keeps a processor busy until the test ends, or this process.
func busy(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "while kill -0 $PPID; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// once starts a host with a bridge, a child and a grandchild, kills one of
// them, and returns how long it took until the rest was gone.
func (d death) once(t *testing.T) time.Duration {
	t.Helper()
	tmp := shortTemp(t)
	host := exec.CommandContext(t.Context(), self())
	host.Env = append(os.Environ(), as("host", hostKey, hostConfig{
		Ours: d.ours, Stops: d.stops, Bridge: bridgeConfig{Child: childConfig{IgnoreTerm: true, Grandchild: true}},
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
	told := json.NewDecoder(stdout)
	var who running
	if err := told.Decode(&who); err != nil {
		t.Fatal(err)
	}
	if !alive(who.Bridge) || !alive(who.Child) || !alive(who.Grandchild) {
		t.Fatalf("not all of %+v run", who)
	}
	if err := syscall.Kill(d.victim(who, host), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if d.stops {
		d.ends(t, told)
	}
	return isGone(t, gonePromise, tmp, who.Bridge, who.Child, who.Grandchild)
}

// ends waits until the host has told how its calls ended, and is gone.
func (d death) ends(t *testing.T, told *json.Decoder) {
	t.Helper()
	for range hungCalls {
		var end string
		if err := told.Decode(&end); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(end, "code = Internal") || !strings.Contains(end, "was killed by SIGKILL") {
			t.Errorf("a call ended with %q, expected Internal and the signal", end)
		}
	}
	if told.More() { // it waits for the host's end
		t.Error("the host says more")
	}
}
