package testscript_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// fakePlugin MODE is a plugin that is started by a host and goes wrong in the
// way of MODE.
func fakePlugin() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: fakeplugin MODE"))
	}
	switch mode := os.Args[1]; mode {
	case "good", "noisy", "bare", "talkative", "broker", "provider", "newer", "undescribed", "files":
		servePlugin(mode)
	case "silent":
	case "unfinished":
		fmt.Print("1|1|unix|/nowhere|grpc|")
	case "garbage":
		fmt.Println("Loading the configuration...")
	case "core":
		fmt.Println("2|1|unix|/nowhere|grpc|")
	case "app":
		fmt.Println("1|9|unix|/nowhere|grpc|")
	case "netrpc":
		fmt.Println("1|1|unix|/nowhere")
	case "deaf":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc|")
	case "early":
		fmt.Fprintln(os.Stderr, "cannot find the library libfoo.so")
		os.Exit(7)
	case "othercert":
		serveOtherCertificate()
	default:
		fail(fmt.Errorf("no mode %q", mode))
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the host is gone
}

// servePlugin is a good plugin, but for what it prints after its line, or for
// the services that it has not.
func servePlugin(mode string) {
	var files *tls.Config
	if mode == "files" { // CERT KEY CA
		var err error
		if files, err = (pki.Files{Certificate: os.Args[2], Key: os.Args[3], CA: os.Args[4]}).ServerTLS(); err != nil {
			fail(err)
		}
	}
	var schemas []services.Schema
	if mode == "newer" {
		newer, err := newerProtocol()
		if err != nil {
			fail(err)
		}
		schemas = append(schemas, newer)
	}
	err := server.Serve(context.Background(), server.Config{
		TLSConfig: files,
		Schemas:   schemas,
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			switch mode {
			case "talkative":
				fmt.Fprintln(s.Stdio().Stdout(), "printed")
				fmt.Fprintln(s.Stdio().Stderr(), "complained")
				fmt.Fprintln(os.Stderr, `{"@level":"info","@message":"logged","notes":3}`)
				fmt.Fprintln(os.Stderr, "[WARN] warned")
			case "broker":
				go offer(s)
			case "provider":
				return registerProvider(r, builtInProtocol())
			case "undescribed":
				kv.NewStore("").Register(r)
			case "newer":
				return registerProvider(r, schemas[0])
			}
			if mode != "bare" {
				testpb.RegisterEchoServer(r, echo{})
			}
			return nil
		},
		Stdout: noisyWriter(mode == "noisy"),
	})
	if err != nil {
		fail(err)
	}
	os.Exit(0)
}

// offer offers a service to the host, on its broker.
func offer(s *server.Server) {
	if _, err := s.Broker().Accept(context.Background(), 7); err != nil {
		fail(err)
	}
}

// noisyWriter prints more than a pipe holds after the line.
type noisyWriter bool

func (noisy noisyWriter) Write(line []byte) (int, error) {
	n, err := os.Stdout.Write(line)
	if noisy {
		go func() {
			for range 4096 {
				fmt.Println("this is no handshake line, and there is more of its kind to come")
			}
		}()
	}
	return n, err
}

// serveOtherCertificate shows one certificate in the line and uses another.
func serveOtherCertificate() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	shown, err := pki.NewPair()
	if err != nil {
		fail(err)
	}
	used, err := pki.NewPair()
	if err != nil {
		fail(err)
	}
	line, err := handshake.Line{
		CoreVersion: handshake.CoreVersion, AppVersion: 1, Network: handshake.NetworkTCP,
		Address: listener.Addr().String(), Protocol: handshake.ProtocolGRPC, Certificate: shown.DER(),
	}.Format()
	if err != nil {
		fail(err)
	}
	fmt.Println(line)
	config := used.ServerTLS(used.Certificate())
	config.ClientAuth, config.VerifyConnection = tls.NoClientCert, nil
	if err := grpc.NewServer(grpc.Creds(credentials.NewTLS(config))).Serve(listener); err != nil {
		fail(err)
	}
}
