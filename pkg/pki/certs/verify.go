package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A Purpose is what a certificate is shown for.
type Purpose string

// The purposes.
const (
	// PurposeServer and PurposeClient are the sides of a TLS connection.
	PurposeServer Purpose = "server"
	PurposeClient Purpose = "client"
	// PurposePeer is both, which a go-plugin connection with a broker needs.
	PurposePeer Purpose = "peer"
	// PurposeAny is any; it is the default.
	PurposeAny Purpose = "any"
)

// A Check says what a chain has to stand up to.
type Check struct {
	// Roots are what is trusted. Nil stands for the authorities of the system. For
	// a certificate that is its own root, as with AutoMTLS, give it itself.
	Roots []*x509.Certificate
	// Name is what the leaf must go by, a DNS name or an IP address; "" for any.
	Name string
	// Purpose is PurposeAny by default.
	Purpose Purpose
	// Time is now by default.
	Time time.Time
	// Key, if it is not nil, must be the leaf's.
	Key crypto.Signer
}

// Verify says whether a chain, leaf first, stands up to a check. The first
// failure is returned, in this order: [ReasonExpired] and [ReasonNotYetValid]
// of the leaf and then of the others, [ReasonWeakKey] or [ReasonKeyKind],
// [ReasonWeakSignature], [ReasonMismatch], [ReasonOrder], [ReasonIncomplete],
// [ReasonUnknownAuthority], [ReasonUsage], [ReasonConstraint] and
// [ReasonWrongName]. Revocation is not looked up.
func Verify(chain []*x509.Certificate, check Check) error {
	if len(chain) == 0 {
		return &Error{Reason: ReasonUnset, Expected: "a certificate"}
	}
	if check.Time.IsZero() {
		check.Time = time.Now()
	}
	for _, c := range chain {
		if err := checkDates(c, check.Time); err != nil {
			return err
		}
	}
	for i, c := range chain {
		if err := checkStrength(c); err != nil {
			return err
		}
		if err := checkSignature(c); err != nil && (i == 0 || !isSelfSigned(c)) {
			return err // a root's own signature is nothing that anybody relies on
		}
	}
	if check.Key != nil && !matches(check.Key, chain[0].PublicKey) {
		return &Error{Reason: ReasonMismatch, Expected: "the key of " + nameOf(chain[0].Subject)}
	}
	if i := disorder(chain); i >= 0 {
		return &Error{Reason: ReasonOrder, Found: nameOf(chain[i].Subject), Expected: fmt.Sprintf("another certificate as number %d", i+1)}
	}
	return check.verify(chain)
}

func checkDates(c *x509.Certificate, at time.Time) error {
	fault := &Error{Found: nameOf(c.Subject)}
	switch {
	case at.After(c.NotAfter):
		fault.Reason, fault.Expected = ReasonExpired, "an end after "+stamp(at)+", not "+stamp(c.NotAfter)
	case at.Before(c.NotBefore):
		fault.Reason, fault.Expected = ReasonNotYetValid, "a beginning before "+stamp(at)+", not "+stamp(c.NotBefore)
	default:
		return nil
	}
	return fault
}

func checkStrength(c *x509.Certificate) error {
	var weak *Error
	if err := CheckKey(c.PublicKey); errors.As(err, &weak) {
		return &Error{Reason: weak.Reason, Found: shorten(weak.Found + " in " + nameOf(c.Subject)), Expected: weak.Expected}
	}
	return nil
}

func checkSignature(c *x509.Certificate) error {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return &Error{Reason: ReasonWeakSignature, Found: shorten(c.SignatureAlgorithm.String() + " of " + nameOf(c.Subject)), Expected: "SHA-256 or better"}
	default:
		return nil
	}
}

// verify has crypto/x509 do the rest, the name last.
func (c Check) verify(chain []*x509.Certificate) error {
	options := x509.VerifyOptions{CurrentTime: c.Time, Intermediates: x509.NewCertPool()}
	if c.Roots != nil {
		options.Roots = x509.NewCertPool()
		for _, root := range c.Roots {
			options.Roots.AddCert(root)
		}
	}
	for _, other := range chain[1:] {
		options.Intermediates.AddCert(other)
	}
	usages, err := c.usages()
	if err != nil {
		return err
	}
	for _, usage := range usages { // of a list one would do
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		verified, err := chain[0].Verify(options)
		if err != nil {
			return c.explain(err, chain)
		}
		if err := checkStrength(verified[0][len(verified[0])-1]); err != nil {
			return err // a root of Roots
		}
	}
	if c.Name == "" {
		return nil
	}
	if err := chain[0].VerifyHostname(c.Name); err != nil {
		names := namesOf(chain[0])
		fault := &Error{Reason: ReasonWrongName, Found: shorten(fmt.Sprint(names.strings())), Expected: strconv.Quote(c.Name)}
		if names.empty() {
			fault.Found = shorten("no alternative name, only the common name " + chain[0].Subject.CommonName)
		}
		return fault
	}
	return nil
}

func (c Check) usages() ([]x509.ExtKeyUsage, error) {
	switch c.Purpose {
	case PurposeServer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, nil
	case PurposeClient:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, nil
	case PurposePeer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, nil
	case PurposeAny, "":
		return []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, nil
	default:
		return nil, &Error{Reason: ReasonFormat, Found: shorten(string(c.Purpose)), Expected: "one of server, client, peer, any"}
	}
}

// explain finds the reason of an error of crypto/x509.
func (c Check) explain(err error, chain []*x509.Certificate) error {
	fault := &Error{Reason: ReasonUnknownAuthority, Found: nameOf(chain[0].Subject), Err: err}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		fault.Found = nameOf(invalid.Cert.Subject)
		switch invalid.Reason {
		case x509.Expired: // of a root
			fault.Reason, fault.Expected, fault.Err = ReasonExpired, "authorities that are valid at "+stamp(c.Time), err
		case x509.IncompatibleUsage:
			fault.Reason, fault.Expected = ReasonUsage, "extended usage for purpose "+string(c.Purpose)
		case x509.NotAuthorizedToSign:
			fault.Reason, fault.Expected = ReasonUsage, "an authority that may sign certificates"
		default:
			fault.Reason = ReasonConstraint
		}
		return fault
	}
	top := top(chain)
	sameName := func(root *x509.Certificate) bool { return bytes.Equal(root.RawSubject, top.RawIssuer) }
	switch {
	case c.unable(chain) != nil:
		fault.Reason, fault.Found = ReasonUsage, nameOf(c.unable(chain).Subject)
		fault.Expected = "an authority that may sign certificates, as it issued one"
	case !bytes.Equal(top.RawSubject, top.RawIssuer) && c.Roots != nil && !slices.ContainsFunc(c.Roots, sameName):
		fault.Reason, fault.Found = ReasonIncomplete, nameOf(top.Subject)
		fault.Expected = fmt.Sprintf("its issuer %q in the chain, or trusted", nameOf(top.Issuer))
	default:
		fault.Found, fault.Expected = nameOf(top.Subject), "an authority among those that are trusted"
	}
	return fault
}

// unable returns an issuer, in the chain or trusted, that may not be one.
func (c Check) unable(chain []*x509.Certificate) *x509.Certificate {
	candidates := append(slices.Clone(chain[1:]), c.Roots...)
	for _, certificate := range chain {
		i := slices.IndexFunc(candidates, func(issuer *x509.Certificate) bool {
			return !maySign(issuer) && issued(issuer, certificate) && !issuer.Equal(certificate)
		})
		if i >= 0 {
			return candidates[i]
		}
	}
	return nil
}

// maySign says whether a certificate is that of an authority.
func maySign(c *x509.Certificate) bool {
	return c.IsCA && (c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageCertSign != 0)
}

// top is where a chain ends.
func top(chain []*x509.Certificate) *x509.Certificate {
	last := chain[0]
	for _, next := range chain[1:] {
		if !issued(next, last) {
			break
		}
		last = next
	}
	return last
}
