package certs

import (
	"crypto/x509"
	"encoding/hex"
	"time"
)

// A Position is the place of a certificate in its chain, as far as it can be
// told from the certificate itself.
type Position string

// The positions.
const (
	PositionLeaf         Position = "leaf"
	PositionIntermediate Position = "intermediate"
	PositionRoot         Position = "root"
	// PositionSelfSigned: it is signed with its own key and for TLS itself, as the
	// certificates of AutoMTLS are, whether or not it is an authority.
	PositionSelfSigned Position = "self-signed"
)

// Properties are what a certificate says, for people and for JSON.
type Properties struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Serial is in hexadecimal, lower case.
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	CA        bool      `json:"ca"`
	// MaxPath is the path length of an authority, nil if it has no limit.
	MaxPath *int `json:"max_path,omitempty"`
	// Usages and ExtendedUsages go by the names of RFC 5280, "digitalSignature"
	// and so on; extended ones that it does not name, by their identifiers.
	Usages         []string `json:"usages"`
	ExtendedUsages []string `json:"extended_usages"`
	Names          NameList `json:"names"`
	Key            KeyFacts `json:"key"`
	// Signature is the algorithm, as in "ECDSA-SHA256".
	Signature string `json:"signature"`
	// SHA256, SHA1 and SPKI are fingerprints in hexadecimal, see Digest.
	SHA256 string `json:"sha256"`
	SHA1   string `json:"sha1"`
	SPKI   string `json:"spki"`
	// Position is the place in the chain, Index that in the list, from 0.
	Position Position `json:"position"`
	Index    int      `json:"index"`
}

// A NameList is alternative names in text form, each empty list left out.
type NameList struct {
	DNS   []string `json:"dns,omitempty"`
	IP    []string `json:"ip,omitempty"`
	Email []string `json:"email,omitempty"`
	URI   []string `json:"uri,omitempty"`
}

// Describe returns the properties of each certificate.
func Describe(chain ...*x509.Certificate) []Properties {
	all := make([]Properties, 0, len(chain))
	for i, c := range chain {
		p := Properties{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialNumber.Text(16),
			NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), CA: c.BasicConstraintsValid && c.IsCA,
			Usages: usageNames(c.KeyUsage), ExtendedUsages: extendedNames(c), Names: namesOf(c).list(),
			Key: keyFacts(c.PublicKey), Signature: c.SignatureAlgorithm.String(),
			SHA256: hex.EncodeToString(sum256(c.Raw)), SPKI: hex.EncodeToString(sum256(c.RawSubjectPublicKeyInfo)),
			Position: positionOf(c), Index: i,
		}
		p.SHA1, _ = Fingerprint(c, DigestSHA1, FormatHex) // both are known
		if p.CA && (c.MaxPathLen > 0 || c.MaxPathLenZero) {
			p.MaxPath = &c.MaxPathLen
		}
		all = append(all, p)
	}
	return all
}

// RequestProperties are what a certificate signing request asks for.
type RequestProperties struct {
	Subject   string   `json:"subject"`
	Names     NameList `json:"names"`
	Key       KeyFacts `json:"key"`
	Signature string   `json:"signature"`
	// SPKI is the SHA-256 of the public key in hexadecimal: the certificate that
	// comes of the request has the same.
	SPKI string `json:"spki"`
	// Valid says that the request is signed with its own key.
	Valid bool `json:"valid"`
}

// DescribeRequest returns the properties of a request.
func DescribeRequest(r *x509.CertificateRequest) RequestProperties {
	return RequestProperties{
		Subject: r.Subject.String(), Names: requestedNames(r).list(), Key: keyFacts(r.PublicKey),
		Signature: r.SignatureAlgorithm.String(), SPKI: hex.EncodeToString(sum256(r.RawSubjectPublicKeyInfo)),
		Valid: r.CheckSignature() == nil,
	}
}

func (n Names) list() NameList {
	return NameList{DNS: n.DNS, IP: Names{IP: n.IP}.strings(), Email: n.Email, URI: Names{URI: n.URI}.strings()}
}

func positionOf(c *x509.Certificate) Position {
	own := isSelfSigned(c)
	switch {
	case own && c.IsCA && len(c.ExtKeyUsage) == 0:
		return PositionRoot
	case own:
		return PositionSelfSigned
	case c.IsCA:
		return PositionIntermediate
	default:
		return PositionLeaf
	}
}

func usageNames(usage x509.KeyUsage) []string {
	names := []string{}
	for i, name := range []string{
		"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
		"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
	} {
		if usage&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func extendedNames(c *x509.Certificate) []string {
	names := []string{}
	for _, usage := range c.ExtKeyUsage {
		switch usage {
		case x509.ExtKeyUsageAny:
			names = append(names, "anyExtendedKeyUsage")
		case x509.ExtKeyUsageServerAuth:
			names = append(names, "serverAuth")
		case x509.ExtKeyUsageClientAuth:
			names = append(names, "clientAuth")
		default:
			names = append(names, usage.OID().String())
		}
	}
	for _, usage := range c.UnknownExtKeyUsage {
		names = append(names, usage.String())
	}
	return names
}
