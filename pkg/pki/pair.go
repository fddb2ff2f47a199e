package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

const (
	// host is the only name in a certificate, and the name that each side asks
	// the other for, whatever the network.
	host = "localhost"
	// backdate lets a peer's clock be a little behind.
	backdate = 30 * time.Second
	// lifetime is go-plugin's: thirty years. A pair never outlives its process.
	lifetime = 262980 * time.Hour
)

// A Pair is the identity of one side for one run: an ECDSA P-256 key, which
// never leaves the process, and a self-signed certificate for it. It is
// immutable and safe for use by many goroutines. There is nothing to close.
type Pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewPair makes a key and a certificate. The certificate is the kind that
// go-plugin makes (see the go-plugin contract, section 3): common name and only
// alternative name "localhost", its own authority, for servers and clients, a
// random serial number of 128 bits. The key is P-256 where go-plugin's is P-521:
// every peer takes it, also those that do not know P-521, and it is many times
// faster. It fails with [ReasonGenerate], which does not happen in practice.
func NewPair() (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	template, err := newTemplate(time.Now())
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	certificate, err := ParseDER(der)
	if err != nil {
		return nil, err
	}
	return &Pair{certificate: certificate, key: key}, nil
}

// newTemplate returns what a pair's certificate says.
func newTemplate(now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: host, Organization: []string{"rpcplugin"}},
		DNSNames:     []string{host},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment |
			x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

// DER returns a copy of the certificate's bytes.
func (p *Pair) DER() []byte { return bytes.Clone(p.certificate.Raw) }

// PEM returns the certificate, and only that, in PEM form with a final newline:
// the value of PLUGIN_CLIENT_CERT.
func (p *Pair) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: p.certificate.Raw}))
}

// Certificate returns the parsed certificate. It is shared: do not change it.
func (p *Pair) Certificate() *x509.Certificate { return p.certificate }

// identity returns the pair as crypto/tls takes it.
func (p *Pair) identity() tls.Certificate {
	return tls.Certificate{
		Certificate: [][]byte{p.certificate.Raw},
		PrivateKey:  p.key,
		Leaf:        p.certificate,
	}
}
