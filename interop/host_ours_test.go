//go:build unix

package interop

import (
	"context"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// ourHost is one made with pkg/client.
type ourHost struct{ *client.Client }

func (p pairing) beginOurs(ctx context.Context, stdout, stderr *gathered) (host, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	key, value := p.cookie()
	cfg := client.Config{
		Command: []string{path}, Cookie: handshake.Cookie{Key: key, Value: value}, Env: p.environ("plugin"),
		AppVersions: p.Offered, Multiplex: p.Multiplex, StartTimeout: p.timeout(), Stdout: stdout, Stderr: stderr,
	}
	if !p.AutoMTLS {
		cfg.TLS = client.TLSOff
	}
	var c *client.Client
	if p.Attach == "" {
		c, err = client.Start(ctx, cfg)
	} else {
		var at handshake.Reattach
		if at, err = handshake.ParseReattach([]byte(p.Attach)); err != nil {
			return nil, err
		}
		c, err = client.Attach(ctx, cfg, at)
	}
	if err != nil {
		return nil, err
	}
	return ourHost{c}, nil
}

func (h ourHost) facts() facts {
	line := h.Line()
	return facts{
		Version: line.AppVersion, Network: line.Network, Address: line.Address, Pid: h.Pid(),
		Certificate: line.Certificate != nil, Multiplexed: line.Multiplex == handshake.MultiplexYes,
	}
}

func (h ourHost) conn() grpc.ClientConnInterface { return h.Conn() }

func (h ourHost) ping(ctx context.Context) error { return h.Ping(ctx) }

func (h ourHost) dial(ctx context.Context, id uint32) (*grpc.ClientConn, error) {
	return h.Broker().Dial(ctx, id)
}

func (h ourHost) serve(register func(grpc.ServiceRegistrar)) (uint32, func(), error) {
	id := h.Broker().NextID()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.Broker().Serve(ctx, id, register)
	}()
	return id, func() { cancel(); <-ended }, nil
}

func (h ourHost) stop() ending {
	began := time.Now()
	err := h.Close(context.Background())
	e := ending{Took: time.Since(began)}
	select {
	case <-h.Exited():
		e.Exited = err == nil
		status, _ := h.LastWords()
		e.Status = status.String()
	default:
	}
	return e
}
