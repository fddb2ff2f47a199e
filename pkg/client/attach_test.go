package client_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// attach attaches to a plugin for the time of the test.
func attach(t *testing.T, cfg client.Config, r handshake.Reattach) *client.Client {
	t.Helper()
	cfg.StartTimeout = patience
	c, err := client.Attach(soon(t), cfg, r)
	noError(t, err)
	t.Cleanup(func() { noError(t, c.Close(context.Background())) })
	return c
}

// says asks the plugin for an answer.
func says(t *testing.T, c *client.Client, text string) {
	t.Helper()
	answer, err := testpb.NewEchoClient(c.Conn()).Unary(soon(t), &testpb.Message{Payload: []byte(text)})
	if err != nil || string(answer.GetPayload()) != text {
		t.Fatalf("got %v, %v; want %q", answer, err, text)
	}
}

func TestAttach(t *testing.T) {
	for _, test := range []struct {
		name, role, network string
		version             int
	}{
		{"ours, unix", "attachable", "unix", 1},
		{"ours, tcp", "attachable", "tcp", 1},
		{"go-plugin", "go-plugin test", "", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			tidy(t)
			plugin := run(t, test.role, test.network)
			c := attach(t, client.Config{AppVersions: []int{7, test.version}}, plugin.Reattach)
			says(t, c, "hello")
			noError(t, c.Ping(soon(t)))

			line := c.Line()
			if line.CoreVersion != 1 || line.AppVersion != test.version || line.Network != plugin.Network ||
				line.Address != plugin.Address || line.Protocol != "grpc" || line.Certificate != nil {
				t.Errorf("line %+v of %+v", line, plugin.Reattach)
			}
			if c.Pid() != plugin.command.Process.Pid {
				t.Errorf("pid %d, want %d", c.Pid(), plugin.command.Process.Pid)
			}
			if p := c.Phases(); p.Process != 0 || p.Line != 0 || p.Connect <= 0 {
				t.Errorf("phases %+v", p)
			}
			if exit, words := c.LastWords(); exit != (client.ExitStatus{Code: -1}) || words != nil {
				t.Errorf("last words %+v, %q", exit, words)
			}
			if test.role == "attachable" {
				callThroughBroker(t, c)
			} else { // go-plugin leaves the socket of what it serves behind
				beCalledThroughBroker(t, c)
			}

			select {
			case <-c.Exited():
				t.Error("exited while the connection is in use")
			default:
			}
			noError(t, c.Close(context.Background()))
			receive(t, "the end of the connection", c.Exited())

			// It goes on running, for whoever comes next.
			plugin.alive(t)
			says(t, attach(t, client.Config{}, plugin.Reattach), "again")
		})
	}
}

func TestAttachBringsStdio(t *testing.T) {
	tidy(t)
	stdout := newGathered()
	c := attach(t, client.Config{Stdout: stdout}, run(t, "attachable", "unix").Reattach)
	says(t, c, "print")
	stdout.waitFor(t, "what the plugin prints", func(text string) bool { return text == "out\n" })
}

func TestAttachRefuses(t *testing.T) {
	tidy(t)
	grpcAt := func(network, address string) handshake.Reattach {
		return handshake.Reattach{Protocol: "grpc", ProtocolVersion: 1, Network: network, Address: address, Test: true}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	noError(t, closed.Close())
	with := func(change func(*handshake.Reattach)) handshake.Reattach {
		r := run(t, "attachable", "unix").Reattach
		change(&r)
		return r
	}
	for _, test := range []struct {
		name   string
		cfg    client.Config
		at     handshake.Reattach
		reason client.Reason
		cause  string // its reason
		hint   string
	}{
		{
			"no such socket",
			client.Config{},
			grpcAt("unix", filepath.Join(t.TempDir(), "p")),
			client.ReasonConnect, string(transport.ReasonNotFound), "start it again",
		},
		{
			"nobody at the port",
			client.Config{},
			grpcAt("tcp", closed.Addr().String()),
			client.ReasonConnect, string(transport.ReasonRefused), "start it again",
		},
		{
			"no address",
			client.Config{},
			grpcAt("tcp", "nowhere"),
			client.ReasonReattach, string(handshake.ReasonReattachAddress), "",
		},
		{
			"no path",
			client.Config{},
			grpcAt("unix", ""),
			client.ReasonReattach, string(handshake.ReasonReattachAddress), "Addr",
		},
		{
			"network",
			client.Config{},
			grpcAt("udp", "127.0.0.1:1"),
			client.ReasonReattach, string(handshake.ReasonReattachAddress), "",
		},
		{
			"netrpc",
			client.Config{},
			with(func(r *handshake.Reattach) { r.Protocol = "netrpc" }),
			client.ReasonReattach, string(handshake.ReasonReattachValue), `"Protocol":"grpc"`,
		},
		{
			"netrpc, by leaving it out",
			client.Config{},
			with(func(r *handshake.Reattach) { r.Protocol = "" }),
			client.ReasonReattach, string(handshake.ReasonReattachValue), `"Protocol":"grpc"`,
		},
		{
			"another version",
			client.Config{AppVersions: []int{5, 6}},
			with(func(*handshake.Reattach) {}),
			client.ReasonReattach, string(handshake.ReasonReattachValue), "the app version of the plugin that runs",
		},
		{
			"no version, which is 5",
			client.Config{AppVersions: []int{6}},
			with(func(r *handshake.Reattach) { r.ProtocolVersion = 0 }),
			client.ReasonReattach, string(handshake.ReasonReattachValue), "the app version of the plugin that runs",
		},
		{
			"multiplexing",
			client.Config{Multiplex: true},
			with(func(*handshake.Reattach) {}),
			client.ReasonReattach, string(handshake.ReasonReattachValue), "turn multiplexing off",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := attachFails(t, soon(t), test.cfg, test.at)
			var described *handshake.Error
			var dialed *transport.Error
			cause := ""
			if errors.As(failed, &described) {
				cause = string(described.Reason)
			} else if errors.As(failed, &dialed) {
				cause = string(dialed.Reason)
			}
			if failed.Reason != test.reason || cause != test.cause {
				t.Fatalf("reason %s for %q, want %s for %q", failed.Reason, cause, test.reason, test.cause)
			}
			if !strings.Contains(failed.Hint(), test.hint) {
				t.Errorf("hint %q lacks %q", failed.Hint(), test.hint)
			}
			if test.at.Address != "" && (failed.Address != test.at.Address || !strings.Contains(failed.Error(), `plugin at "`)) {
				t.Errorf("address %q, error %v", failed.Address, failed)
			}
		})
	}
}

func attachFails(t *testing.T, ctx context.Context, cfg client.Config, at handshake.Reattach) *client.Error { //nolint:revive // a test's first argument is t
	t.Helper()
	if cfg.StartTimeout == 0 {
		cfg.StartTimeout = patience
	}
	c, err := client.Attach(ctx, cfg, at)
	var failed *client.Error
	if c != nil || !errors.As(err, &failed) {
		t.Fatalf("attached: %v, error %v; want a *client.Error", c != nil, err)
	}
	t.Logf("error: %v\nhint: %s", failed, failed.Hint())
	return failed
}

// A missing version counts as 5.
func TestAttachWithoutVersion(t *testing.T) {
	tidy(t)
	at := run(t, "attachable", "unix").Reattach
	at.ProtocolVersion = 0
	if c := attach(t, client.Config{AppVersions: []int{5}}, at); c.Line().AppVersion != 5 {
		t.Errorf("app version %d, want 5", c.Line().AppVersion)
	}
}

// What listens there need not be a plugin, nor answer.
func TestAttachToSomethingElse(t *testing.T) {
	tidy(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	accepted := make(chan net.Conn, 8)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	defer func() {
		_ = listener.Close()
		for conn := range accepted {
			_ = conn.Close()
		}
	}()
	at := handshake.Reattach{Protocol: "grpc", ProtocolVersion: 1, Network: "tcp", Address: listener.Addr().String()}

	failed := attachFails(t, soon(t), client.Config{StartTimeout: 200 * time.Millisecond}, at)
	if failed.Reason != client.ReasonConnect || !strings.Contains(failed.Hint(), "without TLS") {
		t.Errorf("reason %s, hint %q", failed.Reason, failed.Hint())
	}
	ctx, cancel := context.WithCancel(soon(t))
	go func() { // once it waits for the answer
		conn := <-accepted
		_ = conn.Close()
		conn = <-accepted
		cancel()
		_ = conn.Close()
	}()
	if failed := attachFails(t, ctx, client.Config{}, at); failed.Reason != client.ReasonCanceled || !errors.Is(failed, context.Canceled) {
		t.Errorf("error %v, want that of the context", failed)
	}
}

// A plugin with AutoMTLS is its host's alone.
func TestAttachToTLS(t *testing.T) {
	tidy(t)
	own, err := pki.NewPair()
	noError(t, err)
	host, err := pki.NewPair()
	noError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(own.ServerTLS(host.Certificate()))))
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(listener) })
	defer serving.Wait()
	defer s.Stop()
	at := handshake.Reattach{Protocol: "grpc", ProtocolVersion: 1, Network: "tcp", Address: listener.Addr().String()}
	failed := attachFails(t, soon(t), client.Config{}, at)
	if failed.Reason != client.ReasonConnect || !strings.Contains(failed.Hint(), "without TLS") {
		t.Errorf("reason %s, hint %q", failed.Reason, failed.Hint())
	}
}

func TestAttachedPluginGoes(t *testing.T) {
	tidy(t)
	plugin := run(t, "attachable", "tcp") // a socket would be left behind
	c := attach(t, client.Config{}, plugin.Reattach)
	stream, err := testpb.NewEchoClient(c.Conn()).Bidi(soon(t))
	noError(t, err)
	noError(t, stream.Send(&testpb.Message{}))
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	noError(t, plugin.command.Process.Kill())
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the running call ended with %v", err)
	}
	receive(t, "the loss of the connection", c.Exited())
	if exit, _ := c.LastWords(); exit.String() != "ended with unknown status" {
		t.Errorf("it %s", exit)
	}
	if err := c.Ping(soon(t)); status.Code(err) != codes.Unavailable {
		t.Errorf("a ping ended with %v", err)
	}
}

// Without Test the plugin is asked to stop, and its end is waited for.
func TestCloseStopsWithoutTest(t *testing.T) {
	for _, role := range []string{"attachable", "go-plugin test"} {
		t.Run(role, func(t *testing.T) {
			tidy(t)
			plugin := run(t, role, "unix")
			plugin.Test = false
			c := attach(t, client.Config{StopGrace: patience}, plugin.Reattach)
			noError(t, c.Close(context.Background()))
			// It was reaped, else it would still be there.
			if err := plugin.command.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("Close returned before the process had ended: %v", err)
			}
			receive(t, "the end of the plugin", plugin.ended)
			if code := plugin.command.ProcessState.ExitCode(); code != 0 {
				t.Errorf("it ended with %s", plugin.command.ProcessState)
			}
		})
	}
}

// One that does not stop is left alone: its process is not ours.
func TestCloseSignalsNobody(t *testing.T) {
	tidy(t)
	plugin := run(t, "deaf attachable", t.TempDir())
	logged := newGathered()
	c := attach(t, client.Config{StopGrace: 50 * time.Millisecond, Logger: textLogger(logged)}, plugin.Reattach)
	noError(t, c.Close(context.Background()))
	plugin.alive(t)
	logged.waitFor(t, "the warning", func(text string) bool { return strings.Contains(text, "its process is still there") })
	at := plugin.Reattach
	at.Test = true
	noError(t, attach(t, client.Config{}, at).Ping(soon(t)))
}
