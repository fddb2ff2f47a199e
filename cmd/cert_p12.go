package cmd

import (
	"cmp"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certP12Command is about the one file that holds key and certificates.
type certP12Command struct {
	Make p12MakeCommand `cmd:"" help:"Put a certificate and its key into PKCS #12."`
	Read p12ReadCommand `cmd:"" help:"Take a certificate and its key out of PKCS #12."`
}

// p12MakeCommand makes it.
type p12MakeCommand struct {
	Cert            string `default:"cert.pem" placeholder:"FILE" help:"Certificate, with those of intermediates behind it."`
	Key             string `default:"key.pem" placeholder:"FILE" help:"Its key."`
	KeyPasswordFile string `placeholder:"FILE" help:"File whose first line is the password of the key."`
	PasswordFile    string `required:"" placeholder:"FILE" help:"File whose first line is the password to be."`
	Legacy          bool   `help:"Use 3DES and SHA-1, for programs that read nothing better."`
	Out             string `xor:"out" placeholder:"FILE" help:"File to write, 0600 (default cert.p12)."`
	Force           bool   `help:"Replace a file that exists."`
	Stdout          bool   `xor:"out" help:"Print it, and write no file."`
}

// Run makes, writes and tells.
func (c *p12MakeCommand) Run(p *Program) error {
	secret, err := password("--password-file", c.PasswordFile)
	if err != nil {
		return err
	}
	own, err := password("--key-password-file", c.KeyPasswordFile)
	if err != nil {
		return err
	}
	identity, err := certs.ReadIdentity(c.Cert, c.Key, own)
	if err != nil {
		return err
	}
	data, err := certs.EncodePKCS12(identity, secret, c.Legacy)
	if err != nil {
		return err
	}
	var table factTable
	if c.Stdout {
		_, err = p.Stdout.Write(data)
	} else {
		file := cmp.Or(c.Out, "cert.p12")
		err = certs.WriteSecret(file, data, certs.WriteOptions{Replace: c.Force})
		table.row("PKCS #12", visible(file))
	}
	if err != nil {
		return err
	}
	tellMade(&table, identity.Certificate())
	return table.write(p.Stderr)
}

// p12ReadCommand reads it.
type p12ReadCommand struct {
	File            string `arg:"" help:"PKCS #12; - reads stdin."`
	PasswordFile    string `placeholder:"FILE" help:"File whose first line is its password."`
	CertOut         string `xor:"cert" placeholder:"FILE" help:"File of the certificates, leaf first (default cert.pem)."`
	KeyOut          string `xor:"key" placeholder:"FILE" help:"File of the key, 0600 (default key.pem)."`
	KeyPasswordFile string `placeholder:"FILE" help:"File whose first line is a password to encrypt the key with."`
	Force           bool   `help:"Replace files that exist."`
	Stdout          bool   `xor:"cert,key" help:"Print certificates and key, and write no files."`
}

// Run reads, writes and tells.
func (c *p12ReadCommand) Run(p *Program) error {
	secret, err := password("--password-file", c.PasswordFile)
	if err != nil {
		return err
	}
	own, err := password("--key-password-file", c.KeyPasswordFile)
	if err != nil {
		return err
	}
	data, err := p.readInput(c.File)
	if err != nil {
		return err
	}
	identity, err := certs.ParsePKCS12(data, secret)
	if err != nil {
		return ofInput(c.File, err)
	}
	var table factTable
	if c.Stdout {
		key, err := certs.EncodeKey(identity.Key, own)
		if err != nil {
			return err
		}
		if _, err := p.Stdout.Write(append(certs.EncodeCertificates(identity.Chain...), key...)); err != nil {
			return err
		}
	} else {
		certFile, keyFile := cmp.Or(c.CertOut, "cert.pem"), cmp.Or(c.KeyOut, "key.pem")
		if err := certs.WriteIdentity(certFile, keyFile, identity, certs.WriteOptions{Replace: c.Force, Password: own}); err != nil {
			return err
		}
		table.row("certificate", visible(certFile))
		table.row("key", visible(keyFile))
	}
	tellMade(&table, identity.Certificate())
	return table.write(p.Stderr)
}
