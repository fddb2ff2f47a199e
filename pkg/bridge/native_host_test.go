//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	gohclog "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/hclog"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// nativeBridge is a bridge, in a process of its own, with a native child.
type nativeBridge struct {
	Child nativeChild
	TLS   client.TLS
}

func runNativeBridge(cfg nativeBridge) int {
	b, err := bridge.New(context.Background(), bridge.Config{
		Command: []string{self()}, Env: cfg.Child.environ(), Kind: bridge.KindNative, ChildTLS: cfg.TLS, CrashReport: os.Stderr,
		Logger: slog.New(hclog.NewHandler(os.Stderr, hclog.Options{Level: hclog.LevelTrace, Module: "bridge"})),
		Server: server.Config{Cookie: testCookie()},
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, strings.ReplaceAll(err.Error(), "\n", " "))
		return 3
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGPIPE)
	if err := b.Run(context.Background()); err != nil {
		return 3
	}
	return 0
}

// nativeHost is go-plugin's host, in a process of its own because go-plugin
// leaves goroutines behind, and what it does.
type nativeHost struct {
	Bridge    nativeBridge
	AutoMTLS  bool
	Multiplex bool
	Rounds    int    // of broker calls
	Last      string // the payload of the last call
}

// hostReport is what came of it.
type hostReport struct {
	Error     string // of starting
	Version   int
	Calls     map[string]string // by what was done: "ok" or what went wrong
	LastError string
	Stdout    string
	Stderr    string
	Log       string
	Child     int
	Bridge    int
	Started   time.Duration
	KillTook  time.Duration
}

func runNativeHost(h nativeHost) int {
	if err := json.NewEncoder(os.Stdout).Encode(h.play()); err != nil {
		return 97
	}
	return 0
}

// run plays such a host in a process of its own.
func (h nativeHost) run(t *testing.T) (report hostReport, tmp string) {
	t.Helper()
	tmp = privateTemp(t)
	cmd := exec.CommandContext(t.Context(), self())
	cmd.Env = append(os.Environ(), as("native host", nativeKey, h)...)
	cmd.Env = append(cmd.Env, "GORACE=exitcode=0 atexit_sleep_ms=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, stderr.String())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", report.Log)
		}
	})
	return report, tmp
}

func (h nativeHost) play() *hostReport {
	var stdout, stderr, log shared
	cmd := exec.Command(self())
	cmd.Env = append(os.Environ(), as("native bridge", nativeKey, h.Bridge)...)
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0")
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:     plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue},
		VersionedPlugins:    map[int]plugin.PluginSet{3: {"echo": hostHalf{}}, 4: {"echo": hostHalf{}}},
		Cmd:                 cmd,
		AllowedProtocols:    []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:            h.AutoMTLS,
		GRPCBrokerMultiplex: h.Multiplex,
		SkipHostEnv:         true,
		SyncStdout:          &stdout,
		SyncStderr:          &stderr,
		StartTimeout:        patience,
		Logger:              gohclog.New(&gohclog.LoggerOptions{Output: &log, Level: gohclog.Trace, JSONFormat: true}),
	})
	r := &hostReport{Calls: make(map[string]string)}
	if err := h.use(host, r); err != nil {
		r.Error = err.Error()
	}
	for began := time.Now(); r.Calls["print"] == "ok" && time.Since(began) < patience; <-time.After(5 * time.Millisecond) {
		if stdout.String() != "" && stderr.String() != "" {
			break
		}
	}
	began := time.Now()
	host.Kill()
	r.KillTook = time.Since(began)
	r.Stdout, r.Stderr, r.Log = stdout.String(), stderr.String(), log.String()
	return r
}

// use does all that a host can do with a plugin.
func (h nativeHost) use(host *plugin.Client, r *hostReport) error {
	began := time.Now()
	protocol, err := host.Client()
	if err != nil {
		return err
	}
	r.Started, r.Version = time.Since(began), host.NegotiatedVersion()
	raw, err := protocol.Dispense("echo")
	if err != nil {
		return err
	}
	half := raw.(*dispensed)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	answer, err := half.echo.Unary(ctx, &testpb.Message{Payload: []byte("pids")})
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(answer.GetPayload()), &r.Child, &r.Bridge); err != nil {
		return err
	}
	note := func(what string, err error) {
		if err == nil {
			r.Calls[what] = "ok"
		} else {
			r.Calls[what] = err.Error()
		}
	}
	note("ping", protocol.Ping())
	note("unary", half.ask(ctx, "hello", 0, "hello"))
	note("streams", half.streams(ctx))
	note("print", half.ask(ctx, "print", 0, "print"))
	for range h.Rounds {
		note("the host dials", half.dial(ctx))
		note("the child dials", half.serve(ctx))
	}
	if h.Last != "" {
		_, err := half.echo.Unary(ctx, &testpb.Message{Payload: []byte(h.Last)})
		r.LastError = status.Convert(err).Message()
		_, err = half.echo.Unary(ctx, &testpb.Message{})
		note("after the last", err)
	}
	return nil
}

// hostHalf is the host's side in go-plugin's terms.
type hostHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (hostHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errors.New("no plugin") }

func (hostHalf) GRPCClient(_ context.Context, broker *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &dispensed{broker: broker, echo: testpb.NewEchoClient(conn)}, nil
}

type dispensed struct {
	broker *plugin.GRPCBroker
	echo   testpb.EchoClient
}

func (d *dispensed) ask(ctx context.Context, payload string, count int32, want string) error {
	answer, err := d.echo.Unary(ctx, &testpb.Message{Payload: []byte(payload), Count: count})
	if err == nil && string(answer.GetPayload()) != want {
		err = fmt.Errorf("answered %q, expected %q", answer.GetPayload(), want)
	}
	return err
}

func (d *dispensed) streams(ctx context.Context) error {
	stream, err := d.echo.Bidi(ctx)
	if err != nil {
		return err
	}
	for i := range 50 {
		if err := stream.Send(&testpb.Message{Count: int32(i)}); err != nil { //nolint:gosec // below 50
			return err
		}
		if answer, err := stream.Recv(); err != nil || int(answer.GetCount()) != i {
			return fmt.Errorf("answer %d: %v, %w", i, answer, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("ended with %w", err)
	}
	return nil
}

// dial has the child serve, and calls it there.
func (d *dispensed) dial(ctx context.Context) error {
	answer, err := d.echo.Unary(ctx, &testpb.Message{Payload: []byte("serve")})
	if err != nil {
		return err
	}
	conn, err := d.broker.Dial(uint32(answer.GetCount())) //nolint:gosec // an id
	if err != nil {
		return err
	}
	defer conn.Close()
	brokered := &dispensed{echo: testpb.NewEchoClient(conn)}
	big := strings.Repeat("brokered", 100_000)
	return errors.Join(brokered.ask(ctx, big, 0, big), brokered.streams(ctx))
}

// serve serves, and has the child call.
func (d *dispensed) serve(ctx context.Context) error {
	return d.ask(ctx, "dial", int32(goPluginServes(d.broker)), "from the child") //nolint:gosec // a small id
}
