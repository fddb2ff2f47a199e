package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certEnvCommand prints a certificate as it is passed on.
type certEnvCommand struct {
	certSource
	Export bool   `help:"Write export before the variable."`
	Output string `short:"o" enum:"text,json,field" default:"text" help:"Form of the output; field is the field of the handshake line alone."`
}

// Help is the long help.
func (certEnvCommand) Help() string {
	return `Prints the variable in which a host gives its certificate to a plugin, for a
shell, and behind a # the field in which a plugin gives its own to the host.

  eval "$(rpcplugin cert env cert.pem --export)"
  printf '1|6|unix|/tmp/x|grpc|%s\n' "$(rpcplugin cert env cert.pem -o field)"`
}

// Run prints the first certificate: AutoMTLS exchanges one.
func (c *certEnvCommand) Run(ctx context.Context, p *Program) error {
	found, err := c.certificates(ctx, p)
	if err != nil {
		return err
	}
	leaf := found.chain[0]
	text, field := string(certs.EncodeCertificates(leaf)), pki.EncodeField(leaf.Raw)
	switch c.Output {
	case "json":
		return writeCertJSON(p.Stdout, struct {
			ClientCert string `json:"client_cert"`
			Field      string `json:"field"`
		}{text, field})
	case "field":
		_, err = fmt.Fprintln(p.Stdout, field)
		return err
	}
	export := ""
	if c.Export {
		export = "export "
	}
	_, err = fmt.Fprintf(p.Stdout, "%s%s='%s'\n# field 6 of a handshake line:\n# %s\n",
		export, handshake.EnvClientCert, strings.TrimSuffix(text, "\n"), field)
	return err
}
