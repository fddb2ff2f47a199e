package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// An Identity is a private key with its certificate and those that lead from it
// to its root. It is not changed after it was made, and safe for use by many
// goroutines. There is nothing to close.
type Identity struct {
	// Chain has the leaf first, then its issuer, and so on; the root need not be
	// there. It has at least one certificate.
	Chain []*x509.Certificate
	// Key belongs to the first of them: *rsa.PrivateKey, *ecdsa.PrivateKey or
	// ed25519.PrivateKey.
	Key crypto.Signer
}

// Certificate returns the first certificate of the chain.
func (i *Identity) Certificate() *x509.Certificate { return i.Chain[0] }

// TLS returns the identity as crypto/tls takes it.
func (i *Identity) TLS() tls.Certificate {
	own := tls.Certificate{PrivateKey: i.Key, Leaf: i.Chain[0]}
	for _, certificate := range i.Chain {
		own.Certificate = append(own.Certificate, certificate.Raw)
	}
	return own
}

// New makes a key and a certificate for it. The issuer signs it, and must be an
// authority; it is nil for the profiles that sign themselves. Without a limit
// in the Spec the certificate ends with its issuer's, if that is earlier. It
// fails with [ReasonKeyKind], [ReasonProfile], [ReasonValidity], [ReasonName]
// or [ReasonIssuer].
func New(spec Spec, issuer *Identity) (*Identity, error) {
	if err := spec.checkIssuer(issuer); err != nil {
		return nil, err // before an RSA key is made
	}
	key, err := NewKey(spec.Key)
	if err != nil {
		return nil, err
	}
	return Issue(spec, key, issuer)
}

// Issue is [New] for a key that exists: Spec.Key does not count. It fails with
// [ReasonWeakKey], too.
func Issue(spec Spec, key crypto.Signer, issuer *Identity) (*Identity, error) {
	chain, err := spec.sign(key.Public(), key, issuer)
	if err != nil {
		return nil, err
	}
	return &Identity{Chain: chain, Key: key}, nil
}

// checkIssuer holds an issuer against the profile.
func (s Spec) checkIssuer(issuer *Identity) error {
	if err := s.Profile.usages(&x509.Certificate{}); err != nil {
		return err
	}
	switch {
	case issuer != nil && len(issuer.Chain) == 0:
		return &Error{Reason: ReasonIssuer, Expected: "one with a certificate"}
	case issuer == nil && !s.Profile.selfSigned():
		return &Error{Reason: ReasonIssuer, Expected: "one for the profile " + string(s.Profile)}
	case issuer != nil && s.Profile.selfSigned():
		return &Error{Reason: ReasonIssuer, Found: nameOf(issuer.Chain[0].Subject), Expected: "none for the profile " + string(s.Profile)}
	default:
		return nil
	}
}

// sign makes the certificate for a public key, and its chain without the root.
// Without an issuer it is signed with own.
func (s Spec) sign(public crypto.PublicKey, own crypto.Signer, issuer *Identity) ([]*x509.Certificate, error) {
	if err := s.checkIssuer(issuer); err != nil {
		return nil, err
	}
	if err := CheckKey(public); err != nil {
		return nil, err
	}
	now := time.Now()
	template, err := s.template(now)
	if err != nil {
		return nil, err
	}
	parent, above := template, []*x509.Certificate(nil)
	if issuer != nil {
		parent, above, own = issuer.Chain[0], issuer.Chain, issuer.Key
		if err := s.fitIssuer(template, issuer, now); err != nil {
			return nil, err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, own)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	chain := []*x509.Certificate{certificate}
	for _, next := range above {
		if !isSelfSigned(next) {
			chain = append(chain, next)
		}
	}
	return chain, nil
}

// fitIssuer refuses what would never verify.
func (s Spec) fitIssuer(template *x509.Certificate, issuer *Identity, now time.Time) error {
	parent := issuer.Chain[0]
	fault := &Error{Reason: ReasonIssuer, Found: nameOf(parent.Subject)}
	unlimited := s.NotAfter.IsZero() && s.Lifetime == 0
	if unlimited && template.NotAfter.After(parent.NotAfter) {
		template.NotAfter = parent.NotAfter
	}
	if s.NotBefore.IsZero() && template.NotBefore.Before(parent.NotBefore) {
		template.NotBefore = parent.NotBefore
	}
	switch {
	case !maySign(parent):
		fault.Expected = "an authority that may sign certificates"
	case !matches(issuer.Key, parent.PublicKey):
		return &Error{Reason: ReasonMismatch, Expected: "the key of the issuer " + nameOf(parent.Subject)}
	case now.After(parent.NotAfter):
		return &Error{Reason: ReasonExpired, Found: stamp(parent.NotAfter), Expected: "an issuer that is valid now"}
	case template.NotAfter.After(parent.NotAfter):
		return &Error{Reason: ReasonValidity, Found: stamp(template.NotAfter), Expected: "no later than the issuer's end, " + stamp(parent.NotAfter)}
	case template.IsCA && (parent.MaxPathLenZero || parent.MaxPathLen > 0 && reach(template) >= parent.MaxPathLen):
		fault.Expected = "one whose path length leaves room for this intermediate"
	default:
		return CheckKey(issuer.Key)
	}
	return fault
}

// reach is the path length of an authority, as a number that compares.
func reach(c *x509.Certificate) int {
	if c.MaxPathLen < 0 || c.MaxPathLen == 0 && !c.MaxPathLenZero {
		return int(^uint(0) >> 1)
	}
	return c.MaxPathLen
}

// isSelfSigned says whether a certificate is its own issuer.
func isSelfSigned(c *x509.Certificate) bool {
	return string(c.RawSubject) == string(c.RawIssuer) && signedBy(c, c)
}

// signedBy says whether a certificate's signature is made with the key of
// another, whether or not that one may sign. A signature of a kind that nobody
// checks any more, as with SHA-1, is taken for what it says.
func signedBy(c, issuer *x509.Certificate) bool {
	err := issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak)
}
