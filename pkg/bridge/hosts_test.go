//go:build unix

package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	gohclog "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/hclog"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

const (
	cookieKey   = "BRIDGE_TEST_COOKIE"
	cookieValue = "oats"
)

// bridgeConfig is how the bridge behaves as a process of its own.
type bridgeConfig struct {
	Child   childConfig
	Command []string // default: the test binary as child
	Open    bool     // no cookie is asked for
}

// runBridge is what a program makes of this package, signals included.
func runBridge(cfg bridgeConfig) int {
	command, env := cfg.Command, as("child", childKey, cfg.Child)
	if command == nil {
		command = []string{self()}
	}
	cookie := handshake.Cookie{Key: cookieKey, Value: cookieValue}
	if cfg.Open {
		cookie = handshake.Cookie{}
	}
	b, err := bridge.New(context.Background(), bridge.Config{
		Command: command, Env: env, CrashReport: os.Stderr,
		Logger: slog.New(hclog.NewHandler(os.Stderr, hclog.Options{Level: hclog.LevelTrace, Module: "bridge"})),
		Server: server.Config{Cookie: cookie},
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 3
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGPIPE)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		b.Stop()
	}()
	if err := b.Run(context.Background()); err != nil {
		return 3
	}
	return 0
}

// bridgeEnviron makes the test binary be a bridge.
func bridgeEnviron(cfg bridgeConfig) []string { return as("bridge", bridgeKey, cfg) }

// echoPlugin is go-plugin's way to the service.
type echoPlugin struct {
	plugin.NetRPCUnsupportedPlugin
}

func (echoPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (echoPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return testpb.NewEchoClient(conn), nil
}

// goPluginHost starts the bridge with hashicorp/go-plugin.
func goPluginHost(cfg bridgeConfig, stdout, log io.Writer) (*plugin.Client, testpb.EchoClient, error) {
	cmd := exec.CommandContext(context.Background(), self())
	cmd.Env = append(os.Environ(), bridgeEnviron(cfg)...)
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 5, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue},
		Plugins:          plugin.PluginSet{"echo": echoPlugin{}},
		Cmd:              cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true, // it would come last, our own role with it
		SyncStdout:       stdout,
		Logger:           gohclog.New(&gohclog.LoggerOptions{Output: log, Level: gohclog.Trace, JSONFormat: true}),
	})
	protocol, err := host.Client()
	if err != nil {
		host.Kill()
		return nil, nil, err
	}
	dispensed, err := protocol.Dispense("echo")
	if err != nil {
		host.Kill()
		return nil, nil, err
	}
	return host, dispensed.(testpb.EchoClient), nil
}

// ourHost starts the bridge with pkg/client.
func ourHost(ctx context.Context, cfg bridgeConfig, stdout io.Writer, log *slog.Logger) (*client.Client, error) {
	return client.Start(ctx, client.Config{
		Command: []string{self()}, Cookie: handshake.Cookie{Key: cookieKey, Value: cookieValue},
		AppVersions: []int{5}, Env: bridgeEnviron(cfg), Stdout: stdout, Logger: log,
	})
}

// hostConfig is how the host behaves as a process of its own.
type hostConfig struct {
	Bridge bridgeConfig
	Ours   bool // pkg/client instead of go-plugin
	Stops  bool // when the child has died, after telling how calls ended
}

// hungCalls is how many calls of a host run for ever, beside as many that end.
const hungCalls = 4

// running is what the host tells about those it has started.
type running struct{ Bridge, Child, Grandchild int }

// runHost starts a bridge, tells who is who on stdout, and calls until it is
// killed, or the child.
func runHost(cfg hostConfig) int {
	echo, stop, err := startHost(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	answer, err := echo.Unary(asking(context.Background(), "report"), &testpb.Message{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var report childReport
	if err := json.Unmarshal(answer.GetPayload(), &report); err != nil {
		return 1
	}
	ends := make(chan error, hungCalls)
	for range hungCalls {
		go load(echo)
		go func() {
			_, err := echo.Unary(asking(context.Background(), "hang"), &testpb.Message{})
			ends <- err
		}()
	}
	tell := json.NewEncoder(os.Stdout)
	_ = tell.Encode(running{Bridge: report.Parent, Child: report.Pid, Grandchild: report.Grandchld})
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1) // else: deadlock
	if !cfg.Stops {
		select {}
	}
	for range hungCalls {
		_ = tell.Encode(fmt.Sprint(<-ends))
	}
	stop()
	return 0
}

// startHost starts a bridge, and returns how to stop it.
func startHost(cfg hostConfig) (testpb.EchoClient, func(), error) {
	if cfg.Ours {
		c, err := ourHost(context.Background(), cfg.Bridge, io.Discard, nil)
		if err != nil {
			return nil, nil, err
		}
		return testpb.NewEchoClient(c.Conn()), func() { _ = c.Close(context.Background()) }, nil
	}
	host, echo, err := goPluginHost(cfg.Bridge, io.Discard, io.Discard)
	if err != nil {
		return nil, nil, err
	}
	return echo, host.Kill, nil
}

// load makes calls, again and again.
func load(echo testpb.EchoClient) {
	for {
		if _, err := echo.Unary(context.Background(), &testpb.Message{Payload: make([]byte, 1000)}); err != nil {
			<-time.After(10 * time.Millisecond)
		}
	}
}
