package certs

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	"go.step.sm/crypto/pemutil"
)

// EncodeCertificates returns certificates in PEM form, in the order given.
func EncodeCertificates(chain ...*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, certificate := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: certificate.Raw}))
	}
	return text.Bytes()
}

// EncodeRequest returns a request in PEM form.
func EncodeRequest(request *x509.CertificateRequest) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typeRequest, Bytes: request.Raw})
}

// EncodeKey returns a private key in PEM form, PKCS #8, encrypted if there is a
// password: with AES-256 and 600 000 iterations of PBKDF2. It fails with
// [ReasonKeyKind].
func EncodeKey(key crypto.Signer, password []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, &Error{Reason: ReasonKeyKind, Expected: expectedKinds(), Err: err}
	}
	block := &pem.Block{Type: typeKey, Bytes: der}
	if len(password) > 0 {
		if block, err = pemutil.EncryptPKCS8PrivateKey(rand.Reader, der, password, x509.PEMCipherAES256); err != nil {
			return nil, &Error{Reason: ReasonGenerate, Err: err}
		}
	}
	return pem.EncodeToMemory(block), nil
}
