package cmd

import (
	"context"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certInspectCommand shows certificates.
type certInspectCommand struct {
	certSource
	Output string `short:"o" enum:"short,text,json,pem" default:"text" help:"Form of the output: short is a line for each."`
}

// inspectInfo is the JSON form.
type inspectInfo struct {
	Certificates []certs.Properties       `json:"certificates,omitempty"`
	Request      *certs.RequestProperties `json:"request,omitempty"`
}

// Help is the long help.
func (certInspectCommand) Help() string {
	return `Nothing is verified: what a certificate says is what is shown. Requests are
shown, too.

  rpcplugin cert inspect cert.pem
  ./plugin | rpcplugin cert inspect -
  rpcplugin cert inspect unix:///tmp/plugin.sock -o pem`
}

// Run looks and prints.
func (c *certInspectCommand) Run(ctx context.Context, p *Program) error {
	found, err := c.look(ctx, p)
	if err != nil {
		return err
	}
	info := inspectInfo{Certificates: certs.Describe(found.chain...)}
	if found.request != nil {
		request := certs.DescribeRequest(found.request)
		info.Request = &request
	}
	switch c.Output {
	case "json":
		return writeCertJSON(p.Stdout, info)
	case "pem":
		text := certs.EncodeCertificates(found.chain...)
		if found.request != nil {
			text = certs.EncodeRequest(found.request)
		}
		_, err := p.Stdout.Write(text)
		return err
	case "short":
		for _, certificate := range info.Certificates {
			if _, err := fmt.Fprintln(p.Stdout, shortText(certificate)); err != nil {
				return err
			}
		}
		if info.Request != nil {
			_, err = fmt.Fprintf(p.Stdout, "request  %s  %s\n", visible(info.Request.Subject), info.Request.Key)
		}
		return err
	}
	for i, certificate := range info.Certificates {
		if i > 0 {
			fmt.Fprintln(p.Stdout)
		}
		var table factTable
		certificateRows(&table, certificate)
		if err := table.write(p.Stdout); err != nil {
			return err
		}
	}
	if info.Request == nil {
		return nil
	}
	var table factTable
	requestRows(&table, *info.Request)
	return table.write(p.Stdout)
}
