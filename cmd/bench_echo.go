package cmd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math"
	"net"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/load/echo"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// benchEcho is the built-in plugin of bench.
type benchEcho struct {
	Plain       bool   `help:"Be a plain gRPC server, for serve --exec."`
	Certificate string `placeholder:"FILE" help:"Certificate of both sides, in place of AutoMTLS."`
	Key         string `placeholder:"FILE" help:"Its key."`
}

// Run serves until the host ends it.
func (e *benchEcho) Run(ctx context.Context, p *Program) error {
	if e.Plain {
		return e.plain(p)
	}
	config := server.Config{
		LookupEnv: p.LookupEnv, Stdout: p.Stdout, Signals: true,
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			echo.Register(r, echo.Plugin{
				Stdout: func() io.Writer { return s.Stdio().Stdout() },
				Offer: func(register func(grpc.ServiceRegistrar)) uint32 {
					id := s.Broker().NextID()
					go func() { _ = s.Broker().Serve(ctx, id, register) }()
					return id
				},
			})
			return nil
		},
	}
	if e.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(e.Certificate, e.Key)
		if err != nil {
			return &usageError{err: err, hint: "--certificate and --key name files in PEM form"}
		}
		if config.TLSConfig, err = onlyPeer(pair); err != nil {
			return err
		}
	}
	return server.Serve(ctx, config)
}

// plain is a program for the bridge.
func (e *benchEcho) plain(p *Program) error {
	network, address := "unix", ""
	if address, _ = p.LookupEnv(bridge.EnvChildSocket); address == "" {
		network = "tcp"
		address, _ = p.LookupEnv(bridge.EnvChildAddress)
	}
	if address == "" {
		return usagef("rpcplugin serve --exec rpcplugin bench echo --plain", "%s is not set", bridge.EnvChildAddress)
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return &startError{err: err}
	}
	s := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
	echo.Register(s, echo.Plugin{})
	return s.Serve(listener)
}

// onlyPeer is a configuration for both sides, who share a certificate and trust
// nothing else.
func onlyPeer(pair tls.Certificate) (*tls.Config, error) {
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ServerName: "localhost",
		RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}, nil
}
