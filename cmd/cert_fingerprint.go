package cmd

import (
	"context"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certFingerprintCommand prints a fingerprint.
type certFingerprintCommand struct {
	certSource
	Digest string `enum:"sha256,sha1,spki" default:"sha256" help:"Of the certificate, or with spki SHA-256 of its public key, which a renewal may leave as it is."`
	Format string `enum:"hex,colon,base64" default:"hex" help:"How it is written; colon is openssl's way."`
}

// Run prints that of the first certificate.
func (c *certFingerprintCommand) Run(ctx context.Context, p *Program) error {
	found, err := c.certificates(ctx, p)
	if err != nil {
		return err
	}
	text, err := certs.Fingerprint(found.chain[0], certs.Digest(c.Digest), certs.Format(c.Format))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, text)
	return err
}
