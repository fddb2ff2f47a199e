//go:build unix

package bridge_test

import (
	"bytes"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// The whole chain with the real host library: AutoMTLS, the cookie, stdio,
// logs and the stop.
func TestUnderGoPlugin(t *testing.T) {
	tmp := privateTemp(t)
	var stdout, log shared
	began := time.Now()
	host, echo, err := goPluginHost(bridgeConfig{Child: childConfig{
		StdoutFirst: "child prints\n", StderrFirst: []string{"[WARN] child warns"}, Grandchild: true,
	}}, &stdout, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	defer host.Kill()
	child := reportOf(t, echo)
	t.Logf("started and answered after %s", time.Since(began))
	payload := bytes.Repeat([]byte("twenty megabytes"), 20<<16)
	if answer, err := echo.Unary(t.Context(), &testpb.Message{Payload: payload}); err != nil || !bytes.Equal(answer.GetPayload(), payload) {
		t.Errorf("20 MiB: %v", err)
	}
	for _, entry := range child.Environ {
		if strings.HasPrefix(entry, "PLUGIN_") || strings.HasPrefix(entry, cookieKey) {
			t.Errorf("the child has the host's %q", entry)
		}
	}
	eventually(t, patience, "stdout comes over stdio", func() bool { return stdout.String() == "child prints\n" })
	eventually(t, patience, "stderr comes as a record", func() bool {
		return strings.Contains(log.String(), `"@level":"warn","@message":"child warns"`)
	})
	began = time.Now()
	host.Kill()
	t.Logf("go-plugin's Kill took %s", time.Since(began))
	if took := time.Since(began); took > hostWait-500*time.Millisecond {
		t.Errorf("Kill took %s: the plugin did not end by itself", took)
	}
	isGone(t, hostWait, tmp, child.Parent, child.Pid, child.Grandchld)
	if strings.Contains(log.String(), "DATA RACE") {
		t.Error(log.String())
	}
}

// A crash shows in go-plugin's log as the panic that hosts look for.
func TestCrashUnderGoPlugin(t *testing.T) {
	tmp := privateTemp(t)
	var stdout, log shared
	host, echo, err := goPluginHost(bridgeConfig{}, &stdout, &log)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Kill()
	child := reportOf(t, echo)
	_, err = echo.Unary(asking(t.Context(), "exit"), &testpb.Message{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "exited with status 3") || !strings.Contains(err.Error(), "last word") {
		t.Errorf("got %v", err)
	}
	eventually(t, patience, "the panic is an error in the host's log", func() bool {
		return strings.Contains(log.String(), `"@level":"error","@message":"panic: the plugin's program`)
	})
	began := time.Now()
	host.Kill()
	if took := time.Since(began); took >= hostWait {
		t.Errorf("Kill took %s", took)
	}
	isGone(t, hostWait, tmp, child.Parent, child.Pid)
}

func TestUnderOurClient(t *testing.T) {
	tmp := privateTemp(t)
	var stdout shared
	logs := &recorder{}
	c, err := ourHost(t.Context(), bridgeConfig{Child: childConfig{
		StdoutFirst: "child prints\n", StderrFirst: []string{"[WARN] child warns"}, IgnoreTerm: true, Grandchild: true,
	}}, &stdout, slog.New(logs))
	if err != nil {
		t.Fatal(err)
	}
	child := reportOf(t, testpb.NewEchoClient(c.Conn()))
	eventually(t, patience, "stdout comes over stdio", func() bool { return stdout.String() == "child prints\n" })
	eventually(t, patience, "stderr comes as a record", func() bool { return logs.has("WARN child warns") })
	began := time.Now()
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	t.Logf("Close took %s with a child that ignores SIGTERM", took)
	if took > hostWait {
		t.Errorf("Close took %s", took)
	}
	if exit, words := c.LastWords(); exit.Code != 0 {
		t.Errorf("the bridge %s: %q", exit, words)
	}
	isGone(t, hostWait, tmp, child.Parent, child.Pid, child.Grandchld)
	if logs.has("DATA RACE") {
		t.Error(logs)
	}
}

// SIGTERM to the bridge is a stop; Ctrl-C, which reaches the whole process
// group, is not.
func TestSignalsToTheBridge(t *testing.T) {
	tmp := privateTemp(t)
	c, err := ourHost(t.Context(), bridgeConfig{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	echo := testpb.NewEchoClient(c.Conn())
	child := reportOf(t, echo)
	if err := syscall.Kill(-c.Pid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := reportOf(t, echo).Pid; got != child.Pid {
		t.Errorf("child %d became %d", child.Pid, got)
	}
	if err := syscall.Kill(c.Pid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Exited():
	case <-time.After(hostWait):
		t.Fatal("the bridge has not ended")
	}
	if exit, words := c.LastWords(); exit.Code != 0 {
		t.Errorf("the bridge %s: %q", exit, words)
	}
	_ = c.Close(t.Context())
	isGone(t, hostWait, tmp, child.Pid)
}

// isGone proves that within some time no process is left, and no file in tmp.
// It returns how long that took.
func isGone(t *testing.T, within time.Duration, tmp string, pids ...int) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, within, "processes and files are gone", func() bool {
		for _, pid := range pids {
			if pid <= 1 || alive(pid) {
				return false
			}
		}
		return len(entries(t, tmp)) == 0
	})
	return time.Since(began)
}
