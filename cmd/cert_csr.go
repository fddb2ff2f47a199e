package cmd

import (
	"cmp"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certCsrCommand makes a key and a request.
type certCsrCommand struct {
	keyFlags
	nameFlags

	Out          string `xor:"out" placeholder:"FILE" help:"File of the request (default request.pem)."`
	KeyOut       string `xor:"key-file,made" placeholder:"FILE" help:"File of the key, 0600 (default key.pem)."`
	PasswordFile string `placeholder:"FILE" help:"File whose first line is a password to encrypt the key with."`
	Force        bool   `help:"Replace files that exist."`
	Stdout       bool   `xor:"out,key-file" help:"Print the request and a new key, and write no files."`
}

// Help is the long help.
func (certCsrCommand) Help() string {
	return `Writes request.pem and key.pem into the working directory. The request goes to
whoever has the authority, the key stays here.

  rpcplugin cert csr --san localhost
  rpcplugin cert sign request.pem --ca ca.pem --ca-key ca.key`
}

// Run makes, writes and tells.
func (c *certCsrCommand) Run(p *Program) error {
	spec, err := c.spec()
	if err != nil {
		return err
	}
	secret, err := password("--password-file", c.PasswordFile)
	if err != nil {
		return err
	}
	key, err := c.signer(secret)
	if err != nil {
		return err
	}
	request, err := certs.NewRequest(spec, key)
	if err != nil {
		return err
	}
	private, err := certs.EncodeKey(key, secret)
	if err != nil {
		return err
	}
	text := certs.EncodeRequest(request)
	var table factTable
	switch out, keyOut := cmp.Or(c.Out, "request.pem"), cmp.Or(c.KeyOut, "key.pem"); {
	case c.Stdout:
		if c.Key == "" {
			text = append(text, private...)
		}
		if _, err := p.Stdout.Write(text); err != nil {
			return err
		}
	case c.Key != "":
		if err := c.keep(out); err != nil {
			return err
		}
		if err := certs.WritePublic(out, text, certs.WriteOptions{Replace: c.Force}); err != nil {
			return err
		}
		table.row("request", visible(out))
		table.row("key", visible(c.Key))
	default:
		if err := certs.WriteRequest(out, keyOut, request, key, certs.WriteOptions{Replace: c.Force, Password: secret}); err != nil {
			return err
		}
		table.row("request", visible(out))
		table.row("key", visible(keyOut))
	}
	requestRows(&table, certs.DescribeRequest(request))
	return table.write(p.Stderr)
}
