package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// playAttachable is a plugin of ours that prints how to attach to it in place of
// its line. text is its network. It ends with its stdout's reader.
func playAttachable(text string) int {
	s, err := server.New(context.Background(), server.Config{
		Network: text, KeepSocket: true, TLS: server.TLSOff, Stdout: &reattachLine{},
		LookupEnv: func(string) (string, bool) { return "", false },
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			testpb.RegisterEchoServer(r, ownEcho(s))
			return nil
		},
	})
	if err != nil {
		return 98
	}
	description, err := s.Reattach().GoJSON()
	if err != nil {
		return 97
	}
	fmt.Fprintf(os.Stdout, "%s\n", description)
	go func() { // a test that ends takes it along
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	if s.Run(context.Background()) != nil {
		return 3
	}
	return 0
}

// reattachLine swallows the handshake line, for which nobody waits.
type reattachLine struct{}

func (*reattachLine) Write(data []byte) (int, error) { return len(data), nil }

// playGoPluginTest is a plugin in the test mode of go-plugin.
func playGoPluginTest(string) int {
	ctx, cancel := context.WithCancel(context.Background())
	attach := make(chan *plugin.ReattachConfig, 1)
	go func() {
		at := <-attach
		_ = json.NewEncoder(os.Stdout).Encode(struct {
			Protocol             plugin.Protocol
			ProtocolVersion, Pid int
			Addr                 net.Addr
			Test                 bool
		}{at.Protocol, at.ProtocolVersion, at.Pid, at.Addr, at.Test})
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	ended := make(chan struct{})
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 3, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		Plugins:         plugin.PluginSet{"echo": pluginHalf{}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
		Test:            &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: attach, CloseCh: ended},
	})
	<-ended
	return 0
}

// playDeafAttachable answers Shutdown and does not care, nor for signals.
func playDeafAttachable(text string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	listener, err := net.Listen("unix", filepath.Join(text, "p"))
	if err != nil {
		return 96
	}
	s := grpc.NewServer()
	services.NewController(func() {}).Register(s)
	services.NewHealth(nil).Register(s)
	at := handshake.Reattach{Protocol: "grpc", ProtocolVersion: 1, Pid: os.Getpid(), Network: "unix", Address: listener.Addr().String()}
	description, err := at.GoJSON()
	if err != nil {
		return 97
	}
	fmt.Fprintf(os.Stdout, "%s\n", description)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	if s.Serve(listener) != nil {
		return 94
	}
	return 0
}

// runner is a plugin that runs by itself.
type runner struct {
	handshake.Reattach

	command *exec.Cmd
	ended   chan struct{} // closed when it was reaped
}

// run starts a plugin that runs by itself, for the time of the test.
func run(t *testing.T, role, text string) *runner {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	r := &runner{command: exec.Command(path), ended: make(chan struct{})}
	r.command.Env = append(os.Environ(), roleVariable+"="+role, textVariable+"="+text, "GORACE=atexit_sleep_ms=0",
		kv.Cookie().Key+"=") // no host has set it
	r.command.Stderr = os.Stderr
	stdin, err := r.command.StdinPipe()
	noError(t, err)
	stdout, ours, err := os.Pipe() // not Wait's: it would close it under the reader
	noError(t, err)
	r.command.Stdout = ours
	noError(t, r.command.Start())
	noError(t, ours.Close())
	go func() {
		defer close(r.ended)
		_ = r.command.Wait()
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		receive(t, "the end of the plugin", r.ended)
		_ = stdout.Close()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	noError(t, err)
	r.Reattach, err = handshake.ParseReattach([]byte(strings.TrimSpace(line)))
	noError(t, err)
	return r
}

// alive fails the test if the plugin has ended.
func (r *runner) alive(t *testing.T) {
	t.Helper()
	select {
	case <-r.ended:
		t.Fatalf("the plugin has ended: %s", r.command.ProcessState)
	default:
	}
}
