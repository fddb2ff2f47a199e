package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// ReadPKCS12 is [ParsePKCS12] of a file; see [ReadFile].
func ReadPKCS12(file string, password []byte) (*Identity, error) {
	return readWith(file, func(data []byte) (*Identity, error) { return ParsePKCS12(data, password) })
}

// ParsePKCS12 reads a key and its chain from PKCS #12 in DER, with or without
// encryption. The chain is put in order, leaf first; certificates that do not
// belong to it come last. It fails with [ReasonEmpty], [ReasonTruncated],
// [ReasonDamaged], [ReasonPassword], [ReasonCipher], [ReasonKeyKind],
// [ReasonNotFound] if there is no key, or [ReasonMismatch].
func ParsePKCS12(data, password []byte) (*Identity, error) {
	const expected = "PKCS #12 in DER"
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &Error{Reason: ReasonEmpty, Expected: expected}
	}
	if isCut(data) {
		return nil, &Error{Reason: ReasonTruncated, Expected: expected}
	}
	if err := boundPKCS12(data); err != nil {
		return nil, err
	}
	private, certificate, others, err := decodePKCS12(data, string(password))
	var unknown pkcs12.NotImplementedError
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, &Error{Reason: ReasonPassword}
	case errors.As(err, &unknown):
		return nil, &Error{Reason: ReasonCipher, Err: err}
	case err != nil:
		return nil, &Error{Reason: ReasonDamaged, Expected: expected, Err: err}
	}
	key, ok := private.(crypto.Signer)
	if !ok {
		return nil, &Error{Reason: ReasonKeyKind, Found: fmt.Sprintf("%T", private), Expected: expectedKinds()}
	}
	all := append([]*x509.Certificate{certificate}, others...)
	for i, c := range all { // some tools put the authority first
		if matches(key, c.PublicKey) {
			all[0], all[i] = all[i], all[0]
			break
		}
	}
	if !matches(key, all[0].PublicKey) {
		return nil, &Error{Reason: ReasonMismatch}
	}
	return &Identity{Chain: SortChain(all), Key: key}, nil
}

// decodePKCS12 keeps what a hostile file may do to the decoder from the caller.
func decodePKCS12(data []byte, password string) (key any, leaf *x509.Certificate, others []*x509.Certificate, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the decoder failed: %v", fault)
		}
	}()
	return pkcs12.DecodeChain(data, password)
}

// boundPKCS12 refuses so many iterations that checking the password would take
// minutes. What is encrypted is read only once the password is known to be right.
func boundPKCS12(data []byte) error {
	var outer struct {
		Version  int
		Contents asn1.RawValue
		MAC      struct {
			Digest struct {
				Algorithm pkix.AlgorithmIdentifier
				Sum       []byte
			}
			Salt       []byte
			Iterations int `asn1:"optional,default:1"`
		} `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(data, &outer); err != nil {
		return &Error{Reason: ReasonDamaged, Expected: "PKCS #12 in DER", Err: err}
	}
	if outer.MAC.Iterations > maxIterations {
		return &Error{Reason: ReasonCipher, Expected: "at most 10000000 iterations"}
	}
	return nil
}

// EncodePKCS12 puts an identity into PKCS #12, encrypted with AES-256 and
// PBKDF2: what openssl 1.1.1, Java 12 and Windows Server 2019 and later read.
// The strength of it is that of the password. With legacy it is 3DES and SHA-1,
// which everything reads and nothing should rely on. An empty password is
// refused with [ReasonEncrypted].
func EncodePKCS12(identity *Identity, password []byte, legacy bool) ([]byte, error) {
	if identity == nil || len(identity.Chain) == 0 {
		return nil, &Error{Reason: ReasonUnset, Expected: "a certificate and its key"}
	}
	if len(password) == 0 {
		return nil, &Error{Reason: ReasonEncrypted, Expected: "a password"}
	}
	encoder := pkcs12.Modern2023
	if legacy {
		encoder = pkcs12.LegacyDES
	}
	data, err := encoder.Encode(identity.Key, identity.Chain[0], identity.Chain[1:], string(password))
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Expected: "a key and a password that PKCS #12 can hold", Err: err}
	}
	return data, nil
}
