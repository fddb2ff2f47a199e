package bench

import (
	"context"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// The makes of hosts and plugins, as roles and in the names of metrics.
const (
	ours   = "ours"
	theirs = "go-plugin"
)

// host is a host with its running plugin.
type host struct {
	conn   *grpc.ClientConn
	echo   testpb.EchoClient
	dial   func(id uint32) (*grpc.ClientConn, error)
	stop   func()
	stdout *counter
}

// begin starts a plugin of one make with a host of another. The caller calls
// stop.
func begin(b *testing.B, hostMake, pluginMake string) *host {
	b.Helper()
	h := &host{stdout: &counter{steps: make(chan struct{}, stdioWindow/stdioStep+1)}}
	if hostMake == ours {
		h.beginOurs(b, pluginMake)
	} else {
		h.beginTheirs(b, pluginMake)
	}
	h.echo = testpb.NewEchoClient(h.conn)
	return h
}

func (h *host) beginOurs(b *testing.B, role string) {
	b.Helper()
	c, err := client.Start(b.Context(), client.Config{
		Command: []string{self(b)},
		Cookie:  kv.Cookie(),
		Env:     []string{roleVariable + "=" + role},
		Stdout:  h.stdout,
	})
	noError(b, err)
	h.conn = c.Conn()
	h.dial = func(id uint32) (*grpc.ClientConn, error) { return c.Broker().Dial(b.Context(), id) }
	h.stop = func() { noError(b, c.Close(context.Background())) }
}

func (h *host) beginTheirs(b *testing.B, role string) {
	b.Helper()
	command := exec.Command(self(b))
	command.Env = append(os.Environ(), roleVariable+"="+role)
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshakeConfig(),
		VersionedPlugins: map[int]plugin.PluginSet{1: {"echo": hostHalf{}}},
		Cmd:              command,
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       h.stdout,
	})
	protocol, err := c.Client()
	noError(b, err)
	raw, err := protocol.Dispense("echo")
	noError(b, err)
	reached := raw.(connection)
	h.conn = reached.conn
	h.dial = func(id uint32) (*grpc.ClientConn, error) { return reached.broker.Dial(id) }
	h.stop = c.Kill
}

// connection is what go-plugin's host gets at.
type connection struct {
	conn   *grpc.ClientConn
	broker *plugin.GRPCBroker
}

// hostHalf is the host's side, for go-plugin.
type hostHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (hostHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (hostHalf) GRPCClient(_ context.Context, broker *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return connection{conn: conn, broker: broker}, nil
}

// counter is a writer that tells of every stdioStep bytes.
type counter struct {
	bytes atomic.Int64
	steps chan struct{}
}

func (c *counter) Write(data []byte) (int, error) {
	end := c.bytes.Add(int64(len(data)))
	for n := (end - int64(len(data))) / stdioStep; n < end/stdioStep; n++ {
		c.steps <- struct{}{}
	}
	return len(data), nil
}

// self is this program.
func self(b *testing.B) string {
	b.Helper()
	path, err := os.Executable()
	noError(b, err)
	return path
}

func noError(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
