package cmd

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// buildCommand makes a line.
type buildCommand struct {
	AppVersion  int     `required:"" placeholder:"N" help:"App version, field 2."`
	Network     string  `enum:"unix,tcp" default:"unix" help:"Network, field 3."`
	Address     string  `required:"" placeholder:"ADDRESS" help:"Address, field 4: the path of a socket, or host:port."`
	Protocol    string  `enum:"grpc,netrpc" default:"grpc" help:"Protocol, field 5."`
	Certificate pemFlag `placeholder:"FILE|PEM" help:"Certificate, field 6: a file in PEM or DER, or the PEM itself."`
	Multiplex   string  `enum:"absent,yes,no" default:"absent" help:"Multiplexing, field 7."`
}

// pemFlag is text that may begin with dashes, as PEM does: what follows the flag is
// its value, whatever it looks like. The parser would repeat it in an error, and
// it may be a key.
type pemFlag string

// Decode takes the next argument.
func (f *pemFlag) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return errors.New("missing value, expected a file or PEM")
	}
	*f = pemFlag(token.String())
	return nil
}

// Help is the long help.
func (buildCommand) Help() string {
	return `Only a line that hosts take is printed, and nothing but the line.

  rpcplugin handshake build --app-version 6 --address /tmp/plugin.sock`
}

// Run makes the line, checks and prints it.
func (c *buildCommand) Run(p *Program) error {
	line := handshake.Line{
		CoreVersion: handshake.CoreVersion, AppVersion: c.AppVersion,
		Network: c.Network, Address: c.Address, Protocol: c.Protocol,
		Multiplex: map[string]handshake.Multiplex{"yes": handshake.MultiplexYes, "no": handshake.MultiplexNo}[c.Multiplex],
	}
	err := errors.Join(checkVersions([]int{c.AppVersion}), c.checkAddress())
	if err != nil {
		return err
	}
	if c.Certificate != "" {
		if line.Certificate, err = readCertificate(string(c.Certificate)); err != nil {
			return err
		}
	}
	text, err := line.Format()
	if err == nil {
		err = line.Check(handshake.Expectation{Protocols: []string{c.Protocol}})
	}
	if err != nil {
		return &usageError{err: err, hint: hintOf(err)}
	}
	_, err = fmt.Fprintln(p.Stdout, text)
	return err
}

// checkAddress refuses sockets that no host finds.
func (c *buildCommand) checkAddress() error {
	if c.Network != handshake.NetworkUnix {
		return nil // the line's own check knows
	}
	if !filepath.IsAbs(c.Address) {
		hint := "hosts would look for it in their own working directory"
		if strings.Contains(c.Address, ":") {
			hint = "host:port goes with --network tcp"
		}
		return usagef(hint, "--address is %q, expected the absolute path of a socket", c.Address)
	}
	if err := checkSocketPath(c.Address); err != nil {
		return &usageError{err: fmt.Errorf("--address: %w", err), hint: hintOf(err)}
	}
	return nil
}

// checkSocketPath refuses a path that is too long for a socket. The dial refuses
// it before it looks at the context, which is over: nothing is dialed.
func checkSocketPath(path string) error {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	conn, err := transport.Connect(over, transport.Endpoint{Network: handshake.NetworkUnix, Address: path})
	if err == nil {
		return conn.Close()
	}
	if refused, ok := errors.AsType[*transport.Error](err); ok && refused.Reason == transport.ReasonPathTooLong {
		return refused
	}
	return nil
}

// readCertificate returns the DER of a certificate: PEM, or a file with it or
// with the DER. What is in the file is never repeated: it may be a key.
func readCertificate(text string) ([]byte, error) {
	const hint = "name a file with one certificate in PEM or DER, or give its PEM"
	data := []byte(text)
	if !strings.Contains(text, "-----BEGIN") {
		var err error
		if data, err = os.ReadFile(strings.TrimPrefix(text, "@")); err != nil {
			return nil, &usageError{err: fmt.Errorf("--certificate: %w", err), hint: hint}
		}
	}
	der := data
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "CERTIFICATE" {
			return nil, usagef(hint, "--certificate is PEM of %q, expected \"CERTIFICATE\"", block.Type)
		}
		der = block.Bytes
	}
	if _, err := pki.ParseDER(der); err != nil {
		return nil, &usageError{err: fmt.Errorf("--certificate: %w", err), hint: hint}
	}
	return der, nil
}
