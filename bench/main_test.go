// Package bench measures this library beside hashicorp/go-plugin, in one run:
// the hosts are the benchmark's process, the plugins the same program started
// again. Everything has AutoMTLS and unix sockets.
//
// Each measurement is taken in rounds, every contender once a round, in turns.
// What is reported is the median of a contender over all rounds, and of the
// ratio to go-plugin within a round, with the interval that holds the true
// median of that ratio at 95 %. A machine that changes its speed then counts
// little.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// roleVariable says in the environment of a plugin which it is.
const roleVariable = "BENCH_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case ours:
		err = playOurs()
	case theirs:
		playTheirs()
	case direct:
		err = playChild()
	case bridged:
		err = playBridge()
	case forwarded:
		err = playForwarder()
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playOurs is the plugin made with pkg/server.
func playOurs() error {
	return server.Serve(context.Background(), server.Config{
		Cookie: kv.Cookie(),
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			testpb.RegisterEchoServer(r, &echo{
				stdout: s.Stdio().Stdout,
				serve: func() uint32 {
					id := s.Broker().NextID()
					go func() {
						_ = s.Broker().Serve(context.Background(), id, func(r grpc.ServiceRegistrar) {
							testpb.RegisterEchoServer(r, &echo{})
						})
					}()
					return id
				},
			})
			return nil
		},
	})
}

// playTheirs is the plugin made with go-plugin.
func playTheirs() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshakeConfig(),
		VersionedPlugins: map[int]plugin.PluginSet{1: {"echo": pluginHalf{}}},
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	})
}

// handshakeConfig is the same cookie, for go-plugin.
func handshakeConfig() plugin.HandshakeConfig {
	cookie := kv.Cookie()
	return plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookie.Key, MagicCookieValue: cookie.Value}
}

// pluginHalf is the plugin's side, for go-plugin.
type pluginHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (pluginHalf) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no host")
}

func (pluginHalf) GRPCServer(broker *plugin.GRPCBroker, s *grpc.Server) error {
	testpb.RegisterEchoServer(s, &echo{
		stdout: func() io.Writer { return os.Stdout }, // as go-plugin has replaced it by now
		serve: func() uint32 {
			id := broker.NextId()
			go broker.AcceptAndServe(id, func(opts []grpc.ServerOption) *grpc.Server {
				brokered := grpc.NewServer(opts...)
				testpb.RegisterEchoServer(brokered, &echo{})
				return brokered
			})
			return id
		},
	})
	return nil
}

// echo is the service of both plugins. Some calls make it do more than answer.
type echo struct {
	testpb.UnimplementedEchoServer

	stdout func() io.Writer
	serve  func() (id uint32)
}

func (e *echo) Unary(_ context.Context, message *testpb.Message) (*testpb.Message, error) {
	switch string(message.GetPayload()) {
	case "serve":
		return &testpb.Message{Count: int32(e.serve())}, nil
	case "memory":
		kib, err := residentKiB()
		return &testpb.Message{Count: kib}, err
	}
	return message, nil
}

// residentKiB is the memory of this process.
func residentKiB() (int32, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 32)
	return int32(kib), err
}

// Server streams the message as often as it says.
func (e *echo) Server(message *testpb.Message, stream grpc.ServerStreamingServer[testpb.Message]) error {
	for range message.GetCount() {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

// Bidi prints on stdout what the first message carries, as often as it says.
// It stays at most stdioWindow ahead of the host, which answers with one message
// for each stdioStep bytes: a stdio that would rather drop than wait drops
// nothing, and one that waits does not notice.
func (e *echo) Bidi(stream grpc.BidiStreamingServer[testpb.Message, testpb.Message]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	stdout, ahead := e.stdout(), 0
	for range first.GetCount() {
		for ahead += len(first.GetPayload()); ahead > stdioWindow; ahead -= stdioStep {
			if _, err := stream.Recv(); err != nil {
				return err
			}
		}
		if _, err := stdout.Write(first.GetPayload()); err != nil {
			return err
		}
	}
	return nil
}
