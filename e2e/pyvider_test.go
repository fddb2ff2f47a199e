//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// pyvider-rpcplugin is the Python library that plugins speak go-plugin's protocol
// with. It does TLS without asking for the host's certificate, since its gRPC
// knows nothing of P-521, which go-plugin's hosts use; and no TLS if it is told so.

// shout calls the plugin of testdata/pyvider.
type shout struct {
	*sandbox

	host *plugin.Client
	conn grpc.ClientConnInterface
	log  *transcript
}

// shoutHalf is the host's side in go-plugin's terms.
type shoutHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (shoutHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errors.New("no plugin") }

func (shoutHalf) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// newShout starts a plugin with go-plugin's host.
func newShout(s *sandbox, secure bool, command ...string) (*shout, error) {
	s.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = s.project, s.environ
	log := new(transcript)
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		Plugins:          plugin.PluginSet{"shout": shoutHalf{}},
		Cmd:              cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         secure,
		SkipHostEnv:      true,
		StartTimeout:     patience,
		Logger:           hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Debug}),
	})
	s.Cleanup(s.removeSockets)
	s.Cleanup(host.Kill)
	s.Cleanup(func() {
		if s.Failed() {
			s.Log(log.String())
		}
	})
	protocol, err := host.Client()
	if err != nil {
		return nil, err
	}
	if err := protocol.Ping(); err != nil {
		return nil, err
	}
	conn, err := protocol.Dispense("shout")
	if err != nil {
		return nil, err
	}
	return &shout{sandbox: s, host: host, conn: conn.(*grpc.ClientConn), log: log}, nil
}

// bridged is the command of that plugin behind a bridge.
func bridged(s *sandbox, flags ...string) []string {
	command := append([]string{rpcplugin(s), "--log-level", "debug", "serve", "--host", "kv", "--child", "native"}, flags...)
	return append(command, "--exec", tool(s, "pyvider-python"), checkout(s, "e2e/testdata/pyvider/shout.py"))
}

func (s *shout) call(text string) (string, error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer := new(wrapperspb.StringValue)
	err := s.conn.Invoke(ctx, "/e2e.Shout/Shout", wrapperspb.String(text), answer)
	return answer.GetValue(), err
}

func (s *shout) says(text, want string) {
	s.Helper()
	if got, err := s.call(text); err != nil || got != want {
		s.Errorf("%q: got %q, %v, expected %q", text, got, err, want)
	}
}

// stream has n values sent and echoed.
func (s *shout) stream(n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/e2e.Shout/Echo")
	s.try(err)
	for i := range n {
		text := strconv.Itoa(i)
		s.try(stream.SendMsg(wrapperspb.String(text)))
		answer := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(answer); err != nil || answer.GetValue() != text {
			s.Fatalf("echo %d: %q, %v", i, answer.GetValue(), err)
		}
	}
	s.try(stream.CloseSend())
}

// end has the host stop the plugin, which is to end by itself.
func (s *shout) end() {
	s.Helper()
	began := time.Now()
	s.host.Kill()
	if took := time.Since(began); took > prompt || strings.Contains(s.log.String(), "failed to exit gracefully") {
		s.Errorf("the plugin had to be killed, after %s", took)
	}
	s.expectNothingLeft()
	if left := s.sockets(); len(left) > 0 {
		s.Errorf("left: %q", left)
	}
}

// sockets are those that the library makes in the directory for temporary files.
func (s *sandbox) sockets() []string {
	var left []string
	for _, path := range s.leftOvers() {
		if strings.Contains(path, "pyvider") {
			left = append(left, path)
		}
	}
	return left
}

// removeSockets removes what the library leaves when it does not end by itself: it
// does not ask where sockets belong.
func (s *sandbox) removeSockets() {
	for _, path := range s.sockets() {
		s.try(os.Remove(path))
	}
}

// A plugin made with pyvider-rpcplugin serves go-plugin's host through a bridge,
// with TLS and without, on both sides.
func TestPyvider(t *testing.T) {
	const again = "it is started again, without TLS"
	for name, test := range map[string]struct {
		insecure bool
		flags    []string
		verify   string // a variable for the plugin
		again    bool
		mutual   string // whether the plugin was asked for AutoMTLS
	}{
		"auto":                {mutual: "BEGIN"},
		"off":                 {flags: []string{"--child-tls", "off"}},
		"host without TLS":    {insecure: true, mutual: "BEGIN"},
		"plugin without TLS":  {flags: []string{"--env", "PLUGIN_AUTO_MTLS=false"}, again: true},
		"plugin that insists": {verify: "SHOUT_VERIFY=1", mutual: "BEGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			if test.verify != "" {
				s.set(test.verify)
			}
			plugin, err := newShout(s, !test.insecure, bridged(s, test.flags...)...)
			s.try(err)
			plugin.says("hello", "HELLO")
			plugin.says(strings.Repeat("big", 3<<20), strings.Repeat("BIG", 3<<20))
			plugin.stream(20)
			if got, err := plugin.call("environment PLUGIN_CLIENT_CERT"); err != nil || strings.Contains(got, "BEGIN") != (test.mutual != "") {
				t.Errorf("PLUGIN_CLIENT_CERT is %q, %v", got, err)
			}
			plugin.says("environment RPCPLUGIN_CHILD_ADDRESS", "(unset)")
			if strings.Contains(plugin.log.String(), again) != test.again {
				t.Errorf("started again: %v, expected %v", !test.again, test.again)
			}
			plugin.end()
		})
	}
}

// Without the bridge that plugin can take no host of go-plugin for what it is: its
// gRPC does not know P-521. When this fails, the library has learned it.
func TestPyviderKnowsNoP521(t *testing.T) {
	s := newSandbox(t)
	s.set("SHOUT_VERIFY=1")
	_, err := newShout(s, true, tool(s, "pyvider-python"), checkout(s, "e2e/testdata/pyvider/shout.py"))
	if err == nil {
		t.Error("the plugin has taken the host's certificate")
	}
}

// The death of such a plugin is told as that of any other.
func TestPyviderDies(t *testing.T) {
	s := newSandbox(t)
	plugin, err := newShout(s, true, bridged(s)...)
	s.try(err)
	_, err = plugin.call("die")
	if text := err.Error(); status.Code(err) != codes.Internal || !strings.Contains(text, "exited with status 5") || !strings.Contains(text, "the shouting is over") {
		t.Errorf("got %v", err)
	}
	if !until(patience, func() bool { return strings.Contains(plugin.log.String(), "panic: the plugin's program") }) {
		t.Error("no panic in the host's log")
	}
}

// A bridge that is killed takes the plugin with it.
func TestPyviderBridgeKilled(t *testing.T) {
	s := newSandbox(t)
	plugin, err := newShout(s, true, bridged(s)...)
	s.try(err)
	text, err := plugin.call("pid")
	s.try(err)
	child, err := strconv.Atoi(text)
	s.try(err)
	s.try(syscall.Kill(plugin.host.ReattachConfig().Pid, syscall.SIGKILL))
	if !until(prompt, func() bool { return syscall.Kill(child, 0) != nil }) {
		t.Error("the plugin lives")
	}
}
