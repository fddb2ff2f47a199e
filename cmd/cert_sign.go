package cmd

import (
	"cmp"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certSignCommand makes a certificate of a request.
type certSignCommand struct {
	Request string `arg:"" help:"File of the request; - reads stdin."`
	Profile string `enum:"leaf,intermediate-ca" default:"leaf" help:"What to make."`
	nameFlags
	termFlags
	issuerFlags

	CertOut string `aliases:"out" xor:"cert" placeholder:"FILE" help:"File of the certificate (default cert.pem)."`
	Bundle  bool   `help:"Put the certificates of intermediates behind the certificate."`
	Force   bool   `help:"Replace a file that exists."`
	Stdout  bool   `xor:"cert" help:"Print the certificate, and write no file."`
}

// Help is the long help.
func (certSignCommand) Help() string {
	return `Takes the public key, the common name, the organization and the alternative
names of the request; --name, --organization and --san take the place of its
own. Nothing else that a request asks for counts: what the certificate is for
and how long is said here.

  rpcplugin cert sign request.pem --ca ca.pem --ca-key ca.key --not-after 90d`
}

// Run signs, writes and tells.
func (c *certSignCommand) Run(p *Program) error {
	spec, err := c.spec()
	if err != nil {
		return err
	}
	if err := c.apply(&spec, c.Profile); err != nil {
		return err
	}
	issuer, err := c.issuer()
	switch {
	case err != nil:
		return err
	case issuer == nil:
		return usagef("the authority that \"cert gen --profile root-ca\" makes will do", "--ca and --ca-key are missing")
	}
	data, err := p.readInput(c.Request)
	if err != nil {
		return err
	}
	request, err := certs.ParseRequest(data)
	if err != nil {
		return ofInput(c.Request, err)
	}
	chain, err := certs.SignRequest(request, spec, issuer)
	if err != nil {
		return err
	}
	if !c.Bundle {
		chain = chain[:1]
	}
	var table factTable
	if c.Stdout {
		_, err = p.Stdout.Write(certs.EncodeCertificates(chain...))
	} else {
		file := cmp.Or(c.CertOut, "cert.pem")
		err = certs.WriteCertificates(file, chain, certs.WriteOptions{Replace: c.Force})
		table.row("certificate", visible(file))
	}
	if err != nil {
		return err
	}
	tellMade(&table, chain[0])
	return table.write(p.Stderr)
}
