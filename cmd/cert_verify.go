package cmd

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certVerifyCommand checks a certificate.
type certVerifyCommand struct {
	certSource
	Roots   []string `xor:"roots" sep:"none" placeholder:"FILE" help:"Authorities to trust; may be given again. Default: those of the system."`
	Self    bool     `xor:"roots" help:"Trust the certificate itself and nothing else, as AutoMTLS does."`
	Name    string   `placeholder:"NAME" help:"DNS name or IP address that it must go by; hosts and plugins ask for localhost."`
	Purpose string   `enum:"any,server,client,both" default:"any" help:"What it must be for."`
	At      string   `placeholder:"TIME" help:"When: RFC 3339, a day, or a duration from now; default: now."`
	keyFile
}

// keyFile is a key to hold against a certificate.
type keyFile struct {
	Key          string `placeholder:"FILE" help:"Key that must belong to the certificate."`
	PasswordFile string `placeholder:"FILE" help:"File whose first line is the password of the key."`
}

// read returns nil without one.
func (f keyFile) read() (crypto.Signer, error) {
	secret, err := password("--password-file", f.PasswordFile)
	if err != nil || f.Key == "" {
		return nil, err
	}
	return certs.ReadKey(f.Key, secret)
}

// Help is the long help.
func (certVerifyCommand) Help() string {
	return `Prints nothing and exits with 0 when all is well, with 4 when not. The file has
the leaf first and behind it what leads to the authority. Revocation is not
looked up.

  rpcplugin cert verify cert.pem --self --name localhost --key key.pem
  rpcplugin cert verify cert.pem --roots ca.pem --purpose both`
}

// Run checks.
func (c *certVerifyCommand) Run(ctx context.Context, p *Program) error {
	purpose := certs.Purpose(c.Purpose)
	if c.Purpose == "both" {
		purpose = certs.PurposePeer
	}
	check := certs.Check{Name: c.Name, Purpose: purpose}
	if c.At != "" {
		at, err := certs.ParseInstant(c.At, time.Now())
		if err != nil {
			return flagError("--at", err)
		}
		check.Time = at
	}
	var err error
	if check.Roots, err = readRoots(c.Roots); err != nil {
		return err
	}
	if check.Key, err = c.read(); err != nil {
		return err
	}
	found, err := c.certificates(ctx, p)
	if err != nil {
		return err
	}
	if c.Self {
		check.Roots = found.chain[:1]
	}
	err = ofInput(c.Source, certs.Verify(found.chain, check))
	if failed, ok := errors.AsType[*certs.Error](err); ok && failed.Reason == certs.ReasonUnknownAuthority && check.Roots == nil {
		return &advisedError{err: err, hint: "--roots FILE trusts an authority, --self the certificate itself, as AutoMTLS does"}
	}
	return err
}

// readRoots returns nil for no files.
func readRoots(files []string) (roots []*x509.Certificate, err error) {
	for _, file := range files {
		more, err := certs.ReadCertificates(file)
		if err != nil {
			return nil, err
		}
		roots = append(roots, more...)
	}
	return roots, nil
}
