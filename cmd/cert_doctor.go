package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certDoctorCommand looks for what is wrong.
type certDoctorCommand struct {
	certSource
	Roots []string `sep:"none" placeholder:"FILE" help:"Authorities that the peer trusts; may be given again. Default: AutoMTLS, where the certificate is its own root."`
	Name  string   `default:"localhost" placeholder:"NAME" help:"Name that the peer asks for."`
	keyFile
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (certDoctorCommand) Help() string {
	return `Looks for everything that is known to make a certificate fail between hosts and
plugins, of Go and of other languages. Exits with 4 when there is an error.

  rpcplugin cert doctor cert.pem --key key.pem
  rpcplugin cert doctor '1|6|unix|/tmp/x|grpc|MII…'`
}

// Run looks and prints.
func (c *certDoctorCommand) Run(ctx context.Context, p *Program) error {
	patient := certs.Patient{Name: c.Name}
	var err error
	if patient.Roots, err = readRoots(c.Roots); err != nil {
		return err
	}
	if patient.Key, err = c.read(); err != nil {
		return err
	}
	found, err := c.look(ctx, p)
	switch {
	case found.field != "": // what is wrong with it is a finding
	case err != nil:
		return err
	case found.request != nil:
		return ofInput(c.Source, &certs.Error{Reason: certs.ReasonNotFound, Found: "a request", Expected: "a certificate"})
	}
	patient.Chain, patient.Field = found.chain, found.field
	findings := certs.Diagnose(patient)
	if c.Output == "json" {
		err = writeCertJSON(p.Stdout, struct {
			Findings []certs.Finding `json:"findings"`
		}{append([]certs.Finding{}, findings...)})
	} else {
		err = writeDiagnosis(p, findings)
	}
	if err != nil {
		return err
	}
	for _, finding := range findings {
		if finding.Severity == certs.SeverityError {
			return fmt.Errorf("%w: %w", errReported, &tlsError{errors.New(finding.What)})
		}
	}
	return nil
}

// writeDiagnosis prints each with its advice.
func writeDiagnosis(p *Program, findings []certs.Finding) error {
	if len(findings) == 0 {
		_, err := fmt.Fprintln(p.Stdout, "nothing is wrong with it")
		return err
	}
	var table factTable
	for _, finding := range findings {
		table.row(string(finding.Severity), finding.What)
		table.row("  fix", finding.Fix)
		table.row("  found", visible(finding.Evidence))
	}
	return table.write(p.Stdout)
}
