package cmd

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// certificateInfo is a certificate in short.
type certificateInfo struct {
	Key      string    `json:"key"`
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
	SHA256   string    `json:"sha256"`
}

// describeCertificate returns nil for none.
func describeCertificate(der []byte) (*certificateInfo, error) {
	if len(der) == 0 {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	certificate, err := pki.ParseDER(der)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &certificateInfo{
		Key: keyName(certificate), Subject: certificate.Subject.String(),
		NotAfter: certificate.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:]),
	}, nil
}

// keyName is how people call the kind of a key.
func keyName(certificate *x509.Certificate) string {
	switch key := certificate.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	default:
		return certificate.PublicKeyAlgorithm.String()
	}
}
