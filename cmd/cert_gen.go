package cmd

import (
	"cmp"
	"crypto/x509"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certGenCommand makes a key and a certificate.
type certGenCommand struct {
	Profile string `placeholder:"NAME" help:"What to make: go-plugin (default), as go-plugin itself makes it; leaf (default with --ca); root-ca, intermediate-ca; self-signed."`
	keyFlags
	nameFlags
	termFlags
	issuerFlags

	CertOut      string `aliases:"out" xor:"cert" placeholder:"FILE" help:"File of the certificate (default cert.pem)."`
	KeyOut       string `xor:"key-file,made" placeholder:"FILE" help:"File of the key, 0600 (default key.pem)."`
	PasswordFile string `placeholder:"FILE" help:"File whose first line is a password to encrypt the key with."`
	Bundle       bool   `help:"Put the certificates of intermediates behind the certificate."`
	Force        bool   `help:"Replace files that exist."`
	Stdout       bool   `xor:"cert,key-file" help:"Print the certificate and a new key, and write no files."`
}

// Help is the long help.
func (certGenCommand) Help() string {
	return `Writes cert.pem and key.pem into the working directory, as nothing else is said,
and replaces neither without --force.

  rpcplugin cert gen --ecdsa
  rpcplugin cert gen --profile root-ca --cert-out ca.pem --key-out ca.key
  rpcplugin cert gen --ca ca.pem --ca-key ca.key --san localhost --not-after 30d`
}

// Run makes, writes and tells.
func (c *certGenCommand) Run(p *Program) error {
	identity, secret, err := c.make()
	if err != nil {
		return err
	}
	left := len(identity.Chain) - 1
	if !c.Bundle {
		identity = &certs.Identity{Chain: identity.Chain[:1], Key: identity.Key}
	}
	var table factTable
	switch certFile, keyFile := cmp.Or(c.CertOut, "cert.pem"), cmp.Or(c.KeyOut, "key.pem"); {
	case c.Stdout:
		text := certs.EncodeCertificates(identity.Chain...)
		if c.Key == "" {
			key, err := certs.EncodeKey(identity.Key, secret)
			if err != nil {
				return err
			}
			text = append(text, key...)
		}
		if _, err := p.Stdout.Write(text); err != nil {
			return err
		}
	default:
		if c.Key != "" {
			keyFile = ""
		}
		if err := c.keep(certFile); err != nil {
			return err
		}
		if err := certs.WriteIdentity(certFile, keyFile, identity, certs.WriteOptions{Replace: c.Force, Password: secret}); err != nil {
			return err
		}
		table.row("certificate", visible(certFile))
		table.row("key", visible(cmp.Or(keyFile, c.Key)))
	}
	tellMade(&table, identity.Chain[0])
	if left > 0 && !c.Bundle {
		table.row("note", fmt.Sprintf("%d certificates of intermediates are not in the file, --bundle puts them there", left))
	}
	return table.write(p.Stderr)
}

// make makes the identity, and returns the password of its key.
func (c *certGenCommand) make() (*certs.Identity, []byte, error) {
	spec, err := c.spec()
	if err != nil {
		return nil, nil, err
	}
	profile := "go-plugin"
	if c.CA != "" {
		profile = "leaf"
	}
	if err := c.apply(&spec, cmp.Or(c.Profile, profile)); err != nil {
		return nil, nil, err
	}
	if spec.Key, err = c.kind(); err != nil {
		return nil, nil, err
	}
	issuer, err := c.issuer()
	if err != nil {
		return nil, nil, err
	}
	if issuer == nil && (c.Profile == "leaf" || c.Profile == "intermediate-ca") {
		return nil, nil, usagef("--profile self-signed or go-plugin makes one that signs itself", "--profile %s is signed by an authority: --ca and --ca-key are missing", c.Profile)
	}
	secret, err := password("--password-file", c.PasswordFile)
	if err != nil {
		return nil, nil, err
	}
	if c.Key == "" {
		identity, err := certs.New(spec, issuer)
		return identity, secret, err
	}
	key, err := certs.ReadKey(c.Key, secret)
	if err != nil {
		return nil, nil, err
	}
	identity, err := certs.Issue(spec, key, issuer)
	return identity, secret, err
}

// tellMade says what a new certificate is.
func tellMade(table *factTable, certificate *x509.Certificate) {
	facts := certs.Describe(certificate)[0]
	table.row("for", visible(facts.Subject)+"\n"+namesText(facts.Names))
	table.row("kind", facts.Key.String()+", "+string(facts.Position))
	table.row("from", dateText(facts.NotBefore))
	table.row("until", dateText(facts.NotAfter))
	table.row("sha256", facts.SHA256)
}
