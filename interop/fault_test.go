//go:build unix

package interop

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// fault is a plugin that is none, or a strange one.
type fault struct {
	// Print goes to stdout as it is; {address}, {certificate}, {pem} and {long}
	// stand for what is too long for a table.
	Print string
	// Stderr goes there, before.
	Stderr string
	// Then is what comes after: one of the constants below.
	Then string
	// Status is that of a plugin that exits.
	Status int
}

// What a plugin does after it has printed.
const (
	lives       = ""
	exits       = "exits"
	dies        = "dies"
	closes      = "closes its stdout"
	serves      = "serves"
	servesPlain = "serves without TLS"
	servesMute  = "closes its stdout and serves"
)

// playFault is that plugin.
func (p pairing) playFault() error {
	_, _ = io.WriteString(os.Stderr, p.Fault.Stderr)
	switch p.Fault.Then {
	case serves, servesPlain, servesMute:
		return p.serveStrangely()
	}
	if err := p.Fault.print("", nil); err != nil {
		return err
	}
	switch p.Fault.Then {
	case exits:
		os.Exit(p.Fault.Status)
	case dies:
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Kill(); err != nil {
			return err
		}
	case closes:
		_ = os.Stdout.Close()
	}
	select {} // until the host kills it
}

// print prints with the placeholders filled in. Without a certificate it makes
// one.
func (f *fault) print(address string, certificate []byte) error {
	if certificate == nil {
		pair, err := pki.NewPair()
		if err != nil {
			return err
		}
		certificate = pair.DER()
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	_, err := strings.NewReplacer(
		"{address}", address,
		"{certificate}", pki.EncodeField(certificate),
		"{pem}", base64.RawStdEncoding.EncodeToString(text),
		"{long}", string(bytes.Repeat([]byte("A"), 70_000)),
	).WriteString(os.Stdout, f.Print)
	return err
}

// serveStrangely is a good plugin that prints something else than its line.
func (p pairing) serveStrangely() error {
	cfg := server.Config{
		Stdout: io.Discard, AppVersions: []int{6},
		Register: func(r grpc.ServiceRegistrar, _ *server.Server) error {
			testpb.RegisterEchoServer(r, &echo{})
			return nil
		},
	}
	if p.Fault.Then == servesPlain {
		cfg.TLS = server.TLSOff
	}
	s, err := server.New(context.Background(), cfg)
	if err != nil {
		return err
	}
	if err := p.Fault.print(s.Line().Address, s.Line().Certificate); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if p.Fault.Then == servesMute {
		_ = os.Stdout.Close()
	}
	return s.Run(context.Background())
}

// sixFields is a good line, in which nobody listens.
const sixFields = "1|6|unix|/nonexistent/plugin.sock|" + handshake.ProtocolGRPC + "|"
