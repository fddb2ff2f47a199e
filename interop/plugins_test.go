//go:build unix

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// playOurs is a plugin made with pkg/server. With Attach it runs by itself, says
// on stdout how to attach to it, and ends with its stdin.
func (p pairing) playOurs() error {
	var brokered sync.WaitGroup // a process that does not wait for these may leave their sockets
	defer brokered.Wait()
	cfg := server.Config{
		Cookie: kv.Cookie(), AppVersions: p.Served, Network: p.Network, LookupEnv: p.lookupEnv,
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			testpb.RegisterEchoServer(r, ourEcho(s, &brokered))
			return nil
		},
	}
	if p.Attach == "" {
		return server.Serve(context.Background(), cfg)
	}
	cfg.Cookie, cfg.KeepSocket, cfg.IgnoreHost, cfg.Stdout = handshake.Cookie{}, true, true, io.Discard
	s, err := server.New(context.Background(), cfg)
	if err != nil {
		return err
	}
	description, err := s.Reattach().GoJSON()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "%s\n", description)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	return s.Run(context.Background())
}

// lookupEnv is the environment of a plugin of ours.
func (p pairing) lookupEnv(key string) (string, bool) {
	if p.Old && key == handshake.EnvMultiplexGRPC {
		return "", false
	}
	return os.LookupEnv(key)
}

// ourEcho is the service of a plugin made with pkg/server. What it serves through
// the broker is added to brokered.
func ourEcho(s *server.Server, brokered *sync.WaitGroup) *echo {
	return &echo{
		stdout: s.Stdio().Stdout,
		stderr: s.Stdio().Stderr,
		serve: func() uint32 {
			id := s.Broker().NextID()
			brokered.Go(func() {
				_ = s.Broker().Serve(context.Background(), id, func(r grpc.ServiceRegistrar) {
					testpb.RegisterEchoServer(r, &echo{})
				})
			})
			return id
		},
		dial: func(ctx context.Context, id uint32) (*grpc.ClientConn, error) { return s.Broker().Dial(ctx, id) },
	}
}

// playTheirs is a plugin made with go-plugin. With Attach it is in its test
// mode, says on stdout how to attach to it, and ends with its stdin.
func (p pairing) playTheirs() error {
	cookie := kv.Cookie()
	config := &plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: cookie.Key, MagicCookieValue: cookie.Value},
		VersionedPlugins: make(map[int]plugin.PluginSet),
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	}
	for _, version := range p.Served {
		config.VersionedPlugins[version] = plugin.PluginSet{"echo": pluginHalf{}}
	}
	if p.Attach == "" {
		plugin.Serve(config)
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	attach := make(chan *plugin.ReattachConfig, 1)
	stdout := os.Stdout // it will be replaced
	go func() {
		at := <-attach
		_ = json.NewEncoder(stdout).Encode(struct {
			Protocol             plugin.Protocol
			ProtocolVersion, Pid int
			Addr                 net.Addr
			Test                 bool
		}{at.Protocol, at.ProtocolVersion, at.Pid, at.Addr, at.Test})
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	ended := make(chan struct{})
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: attach, CloseCh: ended, SyncStdio: true}
	plugin.Serve(config)
	<-ended
	return nil
}

// pluginHalf is the plugin's side, for go-plugin.
type pluginHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (pluginHalf) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no host")
}

func (pluginHalf) GRPCServer(broker *plugin.GRPCBroker, s *grpc.Server) error {
	testpb.RegisterEchoServer(s, &echo{
		stdout: func() io.Writer { return os.Stdout }, // as go-plugin has replaced it by now
		stderr: func() io.Writer { return os.Stderr },
		serve: func() uint32 {
			id, _, err := acceptAndServe(broker, func(r grpc.ServiceRegistrar) { testpb.RegisterEchoServer(r, &echo{}) })
			if err != nil {
				return 0
			}
			return id
		},
		dial: func(_ context.Context, id uint32) (*grpc.ClientConn, error) { return broker.Dial(id) },
	})
	return nil
}

// acceptAndServe serves through go-plugin's broker and returns once it accepts:
// before, it would answer a knock and have no listener.
func acceptAndServe(broker *plugin.GRPCBroker, register func(grpc.ServiceRegistrar)) (uint32, *grpc.Server, error) {
	id := broker.NextId()
	servers := make(chan *grpc.Server, 1)
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		broker.AcceptAndServe(id, func(opts []grpc.ServerOption) *grpc.Server {
			brokered := grpc.NewServer(opts...)
			register(brokered)
			servers <- brokered
			return brokered
		})
	}()
	select {
	case brokered := <-servers:
		return id, brokered, nil
	case <-refused:
		return 0, nil, errors.New("the broker does not accept")
	case <-time.After(patience):
		return 0, nil, errors.New("the broker takes too long")
	}
}
