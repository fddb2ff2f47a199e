//go:build unix

package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// theirHost is one made with go-plugin.
type theirHost struct {
	client      *plugin.Client
	config      *plugin.ClientConfig
	protocol    plugin.ClientProtocol
	grpc        *grpc.ClientConn
	broker      *plugin.GRPCBroker
	multiplexed bool
}

func (p pairing) beginTheirs(_ context.Context, stdout, stderr *gathered) (host, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	key, value := p.cookie()
	config := &plugin.ClientConfig{
		HandshakeConfig:     plugin.HandshakeConfig{MagicCookieKey: key, MagicCookieValue: value},
		VersionedPlugins:    make(map[int]plugin.PluginSet),
		AllowedProtocols:    []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:            p.AutoMTLS,
		GRPCBrokerMultiplex: p.Multiplex,
		Logger:              hclog.NewNullLogger(),
		SyncStdout:          stdout,
		SyncStderr:          stderr,
		StartTimeout:        p.timeout(),
		SkipHostEnv:         true, // it would put our own part behind the plugin's
	}
	for _, version := range p.Offered {
		config.VersionedPlugins[version] = plugin.PluginSet{"echo": hostHalf{}}
	}
	if p.Attach == "" {
		config.Cmd = exec.Command(path)
		config.Cmd.Env = append(os.Environ(), p.environ("plugin")...)
	} else if err := p.reattach(config); err != nil {
		return nil, err
	}
	h := &theirHost{client: plugin.NewClient(config), config: config, multiplexed: p.Multiplex}
	if err := h.reach(); err != nil {
		if at := h.client.ReattachConfig(); p.Attach == "" && at != nil {
			_ = config.Cmd.Process.Kill() // go-plugin would give it two seconds to end by itself
		}
		h.client.Kill()
		return nil, err
	}
	return h, nil
}

// reattach tells go-plugin's host of the plugin that runs already.
func (p pairing) reattach(config *plugin.ClientConfig) error {
	at, err := handshake.ParseReattach([]byte(p.Attach))
	if err != nil {
		return err
	}
	config.Plugins = plugin.PluginSet{"echo": hostHalf{}}
	config.Reattach = &plugin.ReattachConfig{
		Protocol: plugin.Protocol(at.Protocol), ProtocolVersion: at.ProtocolVersion, Pid: at.Pid, Test: at.Test, Addr: address{at},
	}
	return nil
}

// address is a net.Addr of either network.
type address struct{ at handshake.Reattach }

func (a address) Network() string { return a.at.Network }
func (a address) String() string  { return a.at.Address }

func (h *theirHost) reach() (err error) {
	if h.protocol, err = h.client.Client(); err != nil {
		return err
	}
	if err := h.protocol.Ping(); err != nil {
		return err
	}
	raw, err := h.protocol.Dispense("echo")
	if err != nil {
		return err
	}
	half, ok := raw.(dispensed)
	if !ok {
		return errors.New("go-plugin dispensed something else")
	}
	h.grpc, h.broker = half.conn, half.broker
	return nil
}

// facts are what go-plugin lets know: it keeps the certificate as the only root,
// and has refused a plugin that does not multiplex as asked.
func (h *theirHost) facts() facts {
	at := h.client.ReattachConfig()
	f := facts{
		Version: h.client.NegotiatedVersion(), Network: at.Addr.Network(), Address: at.Addr.String(), Pid: at.Pid,
		Multiplexed: h.multiplexed,
	}
	if h.config.TLSConfig != nil {
		f.Certificate = h.config.TLSConfig.RootCAs != nil
	}
	return f
}

func (h *theirHost) conn() grpc.ClientConnInterface { return h.grpc }

func (h *theirHost) ping(context.Context) error { return h.protocol.Ping() }

func (h *theirHost) dial(_ context.Context, id uint32) (*grpc.ClientConn, error) {
	return h.broker.Dial(id)
}

func (h *theirHost) serve(register func(grpc.ServiceRegistrar)) (uint32, func(), error) {
	id, server, err := acceptAndServe(h.broker, register)
	if err != nil {
		return 0, nil, err
	}
	return id, server.Stop, nil
}

func (h *theirHost) stop() ending {
	began := time.Now()
	h.client.Kill()
	e := ending{Took: time.Since(began), Exited: h.client.Exited()}
	if e.Exited && h.config.Cmd != nil {
		e.Status = h.config.Cmd.ProcessState.String()
		if h.config.Cmd.ProcessState.ExitCode() == 0 {
			e.Status = cleanly
		}
	}
	return e
}

// hostHalf is the host's side, for go-plugin.
type hostHalf struct{ plugin.NetRPCUnsupportedPlugin }

func (hostHalf) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errors.New("no plugin") }

func (hostHalf) GRPCClient(_ context.Context, broker *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return dispensed{conn, broker}, nil
}

type dispensed struct {
	conn   *grpc.ClientConn
	broker *plugin.GRPCBroker
}
