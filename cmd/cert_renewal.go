package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certRenewalCommand answers by its exit status.
type certRenewalCommand struct {
	certSource
	Within string `placeholder:"TIME" help:"How early: a duration such as 30d, or a share of the lifetime such as 20%; default: a third."`
}

// Help is the long help.
func (certRenewalCommand) Help() string {
	return `Exits with 0 when a certificate of the file is to be renewed, with 7 when none
is yet, and with another status when that cannot be told.

  rpcplugin cert needs-renewal cert.pem --within 30d && renew`
}

// Run looks at each certificate: an authority that ends takes its leaves along.
func (c *certRenewalCommand) Run(ctx context.Context, p *Program) error {
	threshold, err := certs.ParseThreshold(c.Within)
	if err != nil {
		return flagError("--within", err)
	}
	found, err := c.certificates(ctx, p)
	if err != nil {
		return err
	}
	now := time.Now()
	var first time.Time
	due := false
	for _, certificate := range found.chain {
		needed, from := certs.NeedsRenewal(certificate, now, threshold)
		due = due || needed
		if first.IsZero() || from.Before(first) {
			first = from
		}
	}
	if due {
		_, err = fmt.Fprintf(p.Stdout, "to be renewed since %s\n", dateText(first))
		return err
	}
	if _, err = fmt.Fprintf(p.Stdout, "to be renewed from %s on\n", dateText(first)); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errReported, errNotDue)
}
