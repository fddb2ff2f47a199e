package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	kvproto "github.com/hashicorp/go-plugin/examples/grpc/proto"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// scenario is what the part "go-plugin host" does. It has a process of its own
// because go-plugin's client leaves goroutines behind.
type scenario struct {
	Plugin    part
	Cookie    string
	AutoMTLS  bool
	Files     pki.Files // in place of AutoMTLS
	Multiplex bool
	Versions  []int
	Attach    string // socket of a running plugin, instead of starting one
	AttachPid int
}

const scenarioVariable = "SERVER_TEST_SCENARIO"

// report is what came of it.
type report struct {
	Error   string // of starting
	Version int
	Address string
	Pid     int

	Calls  map[string]string // by what was done: "ok" or what went wrong
	Stdout string
	Stderr string

	KillTook time.Duration
	Exited   bool
}

// playHost is a host as go-plugin's users write them.
func playHost() int {
	var s scenario
	if err := json.Unmarshal([]byte(os.Getenv(scenarioVariable)), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 98
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.play()); err != nil {
		return 97
	}
	return 0
}

func (s scenario) play() *report {
	var stdout, stderr shared
	config := &plugin.ClientConfig{
		HandshakeConfig:     plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: s.Cookie},
		VersionedPlugins:    make(map[int]plugin.PluginSet),
		AllowedProtocols:    []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:            s.AutoMTLS,
		GRPCBrokerMultiplex: s.Multiplex,
		Logger:              hclog.NewNullLogger(),
		SyncStdout:          &stdout,
		SyncStderr:          &stderr,
		StartTimeout:        patience,
		SkipHostEnv:         true, // it would put our own role behind the plugin's
	}
	if s.Files != (pki.Files{}) {
		agreed, err := s.Files.ClientTLS("")
		if err != nil {
			return &report{Error: err.Error()}
		}
		config.TLSConfig = agreed
	}
	for _, version := range s.Versions {
		config.VersionedPlugins[version] = plugin.PluginSet{"echo": hostHalf{}}
	}
	if s.Attach == "" {
		config.Cmd = exec.Command(os.Args[0])
		config.Cmd.Env = append(os.Environ(), role("plugin", s.Plugin)...)
	} else {
		config.Plugins = plugin.PluginSet{"echo": hostHalf{}}
		config.Reattach = &plugin.ReattachConfig{
			Protocol: plugin.ProtocolGRPC, ProtocolVersion: 1, Pid: s.AttachPid, Test: true,
			Addr: &net.UnixAddr{Net: "unix", Name: s.Attach},
		}
	}
	client := plugin.NewClient(config)
	r := &report{Calls: make(map[string]string)}
	if err := s.use(client, r); err != nil {
		r.Error = err.Error()
	}
	for deadline := time.Now().Add(patience); r.Calls["print"] == "ok" && time.Now().Before(deadline); {
		if stdout.String() != "" && stderr.String() != "" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.Stdout, r.Stderr = stdout.String(), stderr.String()
	began := time.Now()
	client.Kill()
	r.KillTook, r.Exited = time.Since(began), client.Exited()
	return r
}

// use does all that a host can do with a plugin.
func (s scenario) use(client *plugin.Client, r *report) error {
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	r.Version = client.NegotiatedVersion()
	attach := client.ReattachConfig()
	r.Address, r.Pid = attach.Addr.String(), attach.Pid
	raw, err := protocol.Dispense("echo")
	if err != nil {
		return err
	}
	half := raw.(*dispensed)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for name, do := range map[string]func(context.Context) error{
		"ping": func(context.Context) error { return protocol.Ping() },
		"unary": func(ctx context.Context) error {
			return wantPayload(half.echo.Unary(ctx, &testpb.Message{Payload: []byte("hello")}))("hello")
		},
		"server stream":    half.serverStream,
		"client stream":    half.clientStream,
		"both streams":     half.bothStreams,
		"key and value":    half.keyValue,
		"print":            half.print,
		"the host dials":   half.dial,
		"the plugin dials": half.serve,
	} {
		r.Calls[name] = "ok"
		if err := do(ctx); err != nil {
			r.Calls[name] = err.Error()
		}
	}
	return nil
}

// hostHalf is the host's side of a plugin.
type hostHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (hostHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errors.New("no plugin") }

func (hostHalf) GRPCClient(_ context.Context, broker *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &dispensed{broker: broker, echo: testpb.NewEchoClient(conn), kv: kvproto.NewKVClient(conn)}, nil
}

type dispensed struct {
	broker *plugin.GRPCBroker
	echo   testpb.EchoClient
	kv     kvproto.KVClient
}

func wantPayload(message *testpb.Message, err error) func(string) error {
	return func(want string) error {
		if err == nil && string(message.GetPayload()) != want {
			err = fmt.Errorf("answered %q, expected %q", message.GetPayload(), want)
		}
		return err
	}
}

func (d *dispensed) serverStream(ctx context.Context) error {
	stream, err := d.echo.Server(ctx, &testpb.Message{Payload: []byte("x"), Count: 50})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		_, err := stream.Recv()
		if errors.Is(err, io.EOF) && n == 50 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d: %w", n, err)
		}
	}
}

func (d *dispensed) clientStream(ctx context.Context) error {
	stream, err := d.echo.Client(ctx)
	if err != nil {
		return err
	}
	for i := range 50 {
		if err := stream.Send(&testpb.Message{Payload: []byte(strconv.Itoa(i % 10))}); err != nil {
			return err
		}
	}
	return wantPayload(stream.CloseAndRecv())(strings.Repeat("0123456789", 5))
}

func (d *dispensed) bothStreams(ctx context.Context) error {
	stream, err := d.echo.Bidi(ctx)
	if err != nil {
		return err
	}
	for i := range 50 {
		text := strconv.Itoa(i)
		if err := stream.Send(&testpb.Message{Payload: []byte(text)}); err != nil {
			return err
		}
		if err := wantPayload(stream.Recv())(text); err != nil {
			return err
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

func (d *dispensed) keyValue(ctx context.Context) error {
	if _, err := d.kv.Put(ctx, &kvproto.PutRequest{Key: "k", Value: []byte("v")}); err != nil {
		return err
	}
	reply, err := d.kv.Get(ctx, &kvproto.GetRequest{Key: "k"})
	if err == nil && string(reply.GetValue()) != "v" {
		err = fmt.Errorf("got %q", reply.GetValue())
	}
	return err
}

func (d *dispensed) print(ctx context.Context) error {
	return wantPayload(d.echo.Unary(ctx, &testpb.Message{Payload: []byte("print")}))("print")
}

// dial calls what the plugin serves through the broker.
func (d *dispensed) dial(ctx context.Context) error {
	served, err := d.echo.Unary(ctx, &testpb.Message{Payload: []byte("serve")})
	if err != nil {
		return err
	}
	conn, err := d.broker.Dial(uint32(served.GetCount()))
	if err != nil {
		return err
	}
	defer conn.Close()
	return wantPayload(testpb.NewEchoClient(conn).Unary(ctx, &testpb.Message{Payload: []byte("from the host")}))("from the host")
}

// serve has the plugin call what the host serves through the broker.
func (d *dispensed) serve(ctx context.Context) error {
	id := d.broker.NextId()
	servers := make(chan *grpc.Server, 1)
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		d.broker.AcceptAndServe(id, func(opts []grpc.ServerOption) *grpc.Server {
			server := grpc.NewServer(opts...)
			testpb.RegisterEchoServer(server, &echo{})
			servers <- server
			return server
		})
	}()
	select {
	case server := <-servers: // it accepts: before, go-plugin would refuse a knock
		defer server.Stop()
	case <-refused:
		return errors.New("the broker does not accept")
	case <-ctx.Done():
		return ctx.Err()
	}
	return wantPayload(d.echo.Unary(ctx, &testpb.Message{Payload: []byte("dial"), Count: int32(id)}))("from the plugin")
}

// shared is a buffer for several goroutines.
type shared struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (s *shared) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.Write(data)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.String()
}
