package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
)

// NewRequest makes a certificate signing request for a key, with the subject and
// the names of the Spec; "localhost" if it has none. Profile, validity and path
// length are the signer's to choose, and do not count. It fails with
// [ReasonWeakKey], [ReasonKeyKind] or [ReasonName].
func NewRequest(spec Spec, key crypto.Signer) (*x509.CertificateRequest, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	spec.Profile = ProfilePeer
	names, err := spec.names()
	if err != nil {
		return nil, err
	}
	template := &x509.CertificateRequest{
		Subject: spec.subject(names), DNSNames: names.DNS, IPAddresses: names.IP,
		EmailAddresses: names.Email, URIs: names.URI,
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	return request, nil
}

// SignRequest makes the certificate that a request asks for, and returns its
// chain without the root. From the request come the public key and, where the
// Spec leaves them empty, common name, organization and alternative names, all
// to be shown to whoever signs. Everything else is the Spec's: usages, the CA
// bit, path length and validity. Whatever more the request asks for, other parts
// of the subject and extensions of any kind, is left out, so that nobody becomes
// an authority by asking. The profile may not be one that signs itself.
//
// The request must be signed with its own key, or the call fails with
// [ReasonRequest]. A request without names for a leaf, and a Spec without them,
// fails with [ReasonName]: "localhost" is not assumed for somebody else's key.
// The other errors are those of [Issue].
func SignRequest(request *x509.CertificateRequest, spec Spec, issuer *Identity) ([]*x509.Certificate, error) {
	if err := request.CheckSignature(); err != nil {
		return nil, &Error{Reason: ReasonRequest, Found: nameOf(request.Subject), Err: err}
	}
	if issuer == nil {
		return nil, &Error{Reason: ReasonIssuer, Expected: "one that signs the request"}
	}
	if spec.CommonName == "" {
		spec.CommonName = request.Subject.CommonName
	}
	if len(spec.Organization) == 0 {
		spec.Organization = request.Subject.Organization
	}
	if len(spec.Names) == 0 {
		spec.Names = requestedNames(request).typed()
	}
	if len(spec.Names) == 0 && !spec.Profile.authority() {
		return nil, &Error{Reason: ReasonName, Found: nameOf(request.Subject), Expected: "an alternative name in the request or in its place"}
	}
	return spec.sign(request.PublicKey, nil, issuer)
}

func requestedNames(r *x509.CertificateRequest) Names {
	return Names{DNS: r.DNSNames, IP: r.IPAddresses, Email: r.EmailAddresses, URI: r.URIs}
}

// typed lists the names as ParseNames takes them, each of its own type.
func (n Names) typed() []string {
	var all []string
	for _, list := range []struct {
		prefix string
		names  []string
	}{
		{"dns:", n.DNS}, {"ip:", Names{IP: n.IP}.strings()}, {"email:", n.Email}, {"uri:", Names{URI: n.URI}.strings()},
	} {
		for _, name := range list.names {
			all = append(all, list.prefix+name)
		}
	}
	return all
}
