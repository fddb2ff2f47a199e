//go:build unix

package bridge_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// newNativeRig is newRig with a native child.
func newNativeRig(t *testing.T, child nativeChild, change ...func(*bridge.Config)) *rig {
	t.Helper()
	native := func(c *bridge.Config) {
		c.Env, c.Kind, c.ChildCookie = child.environ(), bridge.KindNative, testCookie()
	}
	return newRig(t, childConfig{}, append([]func(*bridge.Config){native}, change...)...)
}

func ask(t *testing.T, r *rig, payload string) string {
	t.Helper()
	answer, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return string(answer.GetPayload())
}

// Hosts may come one after the other, though a child of ours has removed its
// socket as soon as the bridge was there.
func TestNativeHasSeveralHosts(t *testing.T) {
	r := newNativeRig(t, nativeChild{Ours: true})
	for range 3 {
		conn := dial(t, r.b.Line().Network, r.b.Line().Address)
		if _, err := testpb.NewEchoClient(conn).Unary(t.Context(), &testpb.Message{}); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
}

// All that a stop may wait for comes to less than a host's two seconds.
func TestNativeStopInTime(t *testing.T) {
	r := newNativeRig(t, nativeChild{Ours: true, Stubborn: true})
	var pid, parent int
	if _, err := fmt.Sscan(ask(t, r, "pids"), &pid, &parent); err != nil {
		t.Fatal(err)
	}
	stream, err := r.Bidi(t.Context()) // which runs for the whole grace
	if err != nil {
		t.Fatal(err)
	}
	turn(t, stream.Send, stream.Recv)
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > hostWait || took < server.DefaultGrace {
		t.Errorf("the stop took %s", took)
	}
	if alive(pid) {
		t.Error("the child lives")
	}
}

func TestNativeCrashIsRunsError(t *testing.T) {
	r := newNativeRig(t, nativeChild{Ours: true}, func(c *bridge.Config) { c.EndWithChild, c.DeathCode = true, codes.Unavailable })
	_, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte("kill")})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "was killed by SIGKILL") {
		t.Errorf("got %v", err)
	}
	var failed *bridge.Error
	if err := r.wait(); !errors.As(err, &failed) || failed.Reason != bridge.ReasonExited || !failed.Accepted {
		t.Errorf("Run: %v", err)
	}
	if report := r.crash.String(); !strings.HasPrefix(report, "panic: the plugin's program ") {
		t.Errorf("crash report %q", report)
	}
}

// Nothing of a bridge that is killed is left: neither child nor sockets, those
// of relayed services included.
func TestNativeBridgeKilled(t *testing.T) {
	tmp := privateTemp(t)
	cmd := exec.CommandContext(t.Context(), self())
	cmd.Env = append(os.Environ(), as("native bridge", nativeKey, nativeBridge{Child: nativeChild{Versions: []int{3}}})...)
	cmd.Env = append(cmd.Env, cookieKey+"="+cookieValue, handshake.EnvProtocolVersions+"=3")
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	text, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	line, err := handshake.ParseLine(text)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, line.Network, line.Address)
	defer conn.Close()
	broker := services.NewBroker(services.BrokerConfig{Connect: transport.Connect})
	defer broker.Close()
	go func() { _ = broker.Run(t.Context(), conn) }()
	child := &rig{EchoClient: testpb.NewEchoClient(conn), t: t}
	answer, err := child.Unary(t.Context(), &testpb.Message{Payload: []byte("serve")})
	if err != nil {
		t.Fatal(err)
	}
	served, err := broker.Dial(t.Context(), uint32(answer.GetCount())) //nolint:gosec // an id
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	if _, err := testpb.NewEchoClient(served).Unary(t.Context(), &testpb.Message{}); err != nil {
		t.Fatal(err)
	}
	var pid, parent int
	if _, err := fmt.Sscan(ask(t, child, "pids"), &pid, &parent); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(parent, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	t.Logf("all gone after %s", isGone(t, hostWait, tmp, pid))
}
