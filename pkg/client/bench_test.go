package client_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// pairing is a host and a plugin that are measured together.
type pairing struct {
	name  string
	begin func(b *testing.B) (conn grpc.ClientConnInterface, end func())
}

// pairings are ours and go-plugin's, with AutoMTLS as Terraform has it and
// without.
func pairings() []pairing {
	var all []pairing
	for tls, name := range map[client.TLS]string{client.TLSAuto: "AutoMTLS", client.TLSOff: "plain"} {
		for plugin, text := range map[string]string{"ours": "", "go-plugin": "1"} {
			all = append(all,
				pairing{name + "/host=ours/plugin=" + plugin, func(b *testing.B) (grpc.ClientConnInterface, func()) {
					cfg := as(b, plugin, text)
					cfg.TLS = tls
					c, err := client.Start(context.Background(), cfg)
					noError(b, err)
					return c.Conn(), func() { noError(b, c.Close(context.Background())) }
				}},
				pairing{name + "/host=go-plugin/plugin=" + plugin, func(b *testing.B) (grpc.ClientConnInterface, func()) {
					return beginGoPlugin(b, plugin, text, tls == client.TLSAuto)
				}})
		}
	}
	slices.SortFunc(all, func(a, b pairing) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

// connHalf is a host's side that is nothing but the connection.
type connHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (connHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (connHalf) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// beginGoPlugin starts a plugin with go-plugin's host.
func beginGoPlugin(b *testing.B, role, text string, secure bool) (grpc.ClientConnInterface, func()) {
	b.Helper()
	cfg := as(b, role, text)
	command := exec.Command(cfg.Command[0])
	command.Env = append(os.Environ(), cfg.Env...)
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		VersionedPlugins: map[int]plugin.PluginSet{1: {"conn": connHalf{}}},
		Cmd:              command,
		SkipHostEnv:      true,
		AutoMTLS:         secure,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	protocol, err := host.Client()
	noError(b, err)
	raw, err := protocol.Dispense("conn")
	noError(b, err)
	return raw.(*grpc.ClientConn), host.Kill
}

func callOnce(b *testing.B, conn grpc.ClientConnInterface, message *testpb.Message) {
	b.Helper()
	if _, err := testpb.NewEchoClient(conn).Unary(context.Background(), message); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkUnary measures one small call at a time.
func BenchmarkUnary(b *testing.B) {
	for _, pairing := range pairings() {
		b.Run(pairing.name, func(b *testing.B) {
			conn, end := pairing.begin(b)
			defer end()
			message := &testpb.Message{Payload: make([]byte, 64)}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				callOnce(b, conn, message)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2]), "p50-ns/op")
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns/op")
		})
	}
}

// BenchmarkStart measures from nothing to the first answer.
func BenchmarkStart(b *testing.B) {
	for _, pairing := range pairings() {
		b.Run(pairing.name, func(b *testing.B) {
			for b.Loop() {
				conn, end := pairing.begin(b)
				callOnce(b, conn, &testpb.Message{})
				b.StopTimer()
				end()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkStartAndClose measures a whole life.
func BenchmarkStartAndClose(b *testing.B) {
	for _, pairing := range pairings() {
		b.Run(pairing.name, func(b *testing.B) {
			for b.Loop() {
				conn, end := pairing.begin(b)
				callOnce(b, conn, &testpb.Message{})
				end()
			}
		})
	}
}
