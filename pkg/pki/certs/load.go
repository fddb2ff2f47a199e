package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"go.step.sm/crypto/pemutil"
)

// ParseCertificates reads all certificates, in their order: PEM with any line
// ends, text and other blocks around them, or DER, one behind the other. At
// least one is there, or it fails with [ReasonEmpty], [ReasonNotFound],
// [ReasonDamaged] or [ReasonTruncated].
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	const expected = "an X.509 certificate"
	found, other, err := pick(data, expected, typeCertificate, typeOldX509, typeTrusted)
	if err != nil {
		return nil, err
	}
	if found == nil {
		if other != "" {
			return nil, &Error{Reason: ReasonNotFound, Found: other, Expected: "a block of type " + typeCertificate}
		}
		all, err := x509.ParseCertificates(data)
		if err != nil || len(all) == 0 {
			return nil, broken(data, expected+" in PEM or DER", err)
		}
		return all, nil
	}
	var all []*x509.Certificate
	for _, block := range found {
		der := block.Bytes
		if block.Type == typeTrusted { // what openssl trusts it for comes behind
			der = firstValue(der)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, broken(der, expected, err)
		}
		all = append(all, certificate)
	}
	return all, nil
}

// ParseRequest reads the first certificate signing request, in PEM or DER. Its
// signature is not checked here. It fails as [ParseCertificates] does.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	const expected = "a certificate signing request"
	found, other, err := pick(data, expected, typeRequest, typeOldRequest)
	if err != nil {
		return nil, err
	}
	if found != nil {
		data = found[0].Bytes
	} else if other != "" {
		return nil, &Error{Reason: ReasonNotFound, Found: other, Expected: "a block of type " + typeRequest}
	}
	request, err := x509.ParseCertificateRequest(data)
	if err != nil {
		return nil, broken(data, expected, err)
	}
	return request, nil
}

// ParseKey reads the first private key: PKCS #8, PKCS #1 or SEC 1, in PEM or
// DER. Encrypted ones, PKCS #8 with PBES2 or PEM of the old kind, need the
// password; others do not mind it. The key is RSA, ECDSA or Ed25519, and may be
// weak: see [CheckKey]. It fails as [ParseCertificates] does, and with
// [ReasonEncrypted], [ReasonPassword], [ReasonCipher] or [ReasonKeyKind]. The
// old kind cannot always tell a wrong password from damage.
func ParseKey(data, password []byte) (crypto.Signer, error) {
	const expected = "a private key"
	found, other, err := pick(data, expected, typeKey, typeEncrypted, typeRSA, typeEC)
	if err != nil {
		return nil, err
	}
	if found != nil {
		return parseKeyBlock(found[0], password)
	}
	if other != "" {
		return nil, &Error{Reason: ReasonNotFound, Found: other, Expected: "a block of type " + typeKey}
	}
	if isEncryptedPKCS8(data) {
		return parseKeyBlock(&pem.Block{Type: typeEncrypted, Bytes: data}, password)
	}
	return parsePlainKey(data)
}

// pick returns the PEM blocks of some types, nil if there are none, and then
// the type of another.
func pick(data []byte, expected string, types ...string) (found []*pem.Block, other string, err error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, "", &Error{Reason: ReasonEmpty, Expected: expected}
	}
	all, err := blocks(data)
	if err != nil {
		return nil, "", err
	}
	for _, block := range all {
		fits := false
		for _, fitting := range types {
			fits = fits || block.Type == fitting
		}
		if fits {
			found = append(found, block)
		} else {
			other = shorten(block.Type)
		}
	}
	return found, other, nil
}

// parseKeyBlock decrypts, if need be, and parses.
func parseKeyBlock(block *pem.Block, password []byte) (crypto.Signer, error) {
	old := block.Headers["Proc-Type"] == "4,ENCRYPTED" // nothing else may get to pemutil, see pbes2.go
	if !old && block.Type != typeEncrypted {
		return parsePlainKey(block.Bytes)
	}
	if len(password) == 0 {
		return nil, &Error{Reason: ReasonEncrypted, Expected: "a password"}
	}
	if !old {
		der, err := decryptPKCS8(block.Bytes, password)
		if err != nil {
			return nil, err
		}
		return afterDecryption(parsePlainKey(der))
	}
	der, err := pemutil.DecryptPEMBlock(block, password)
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, &Error{Reason: ReasonPassword}
	case err != nil:
		return nil, &Error{Reason: ReasonCipher, Found: shorten(block.Headers["DEK-Info"]), Err: err}
	}
	return afterDecryption(parsePlainKey(der))
}

// afterDecryption knows that noise comes of a wrong password: by chance, one in
// 256 of them leaves what looks like good padding.
func afterDecryption(key crypto.Signer, err error) (crypto.Signer, error) {
	var own *Error
	if errors.As(err, &own) && own.Reason != ReasonKeyKind {
		return nil, &Error{Reason: ReasonPassword}
	}
	return key, err
}

// parsePlainKey tries the three forms.
func parsePlainKey(der []byte) (crypto.Signer, error) {
	const expected = "a private key in PKCS #8, PKCS #1 or SEC 1 form"
	key, err := pemutil.ParseDER(der)
	if err != nil {
		return nil, broken(der, expected, err)
	}
	signer, ok := key.(crypto.Signer)
	switch {
	case ok:
		return signer, nil
	case keyFacts(key).Bits > 0: // it reads public keys, too
		return nil, &Error{Reason: ReasonNotFound, Found: "a public key", Expected: expected}
	default:
		return nil, &Error{Reason: ReasonKeyKind, Found: fmt.Sprintf("%T", key), Expected: expectedKinds()}
	}
}

// ReadCertificates is [ParseCertificates] of a file; see [ReadFile].
func ReadCertificates(file string) ([]*x509.Certificate, error) {
	return readWith(file, ParseCertificates)
}

// ReadRequest is [ParseRequest] of a file; see [ReadFile].
func ReadRequest(file string) (*x509.CertificateRequest, error) {
	return readWith(file, ParseRequest)
}

// ReadKey is [ParseKey] of a file; see [ReadFile].
func ReadKey(file string, password []byte) (crypto.Signer, error) {
	return readWith(file, func(data []byte) (crypto.Signer, error) { return ParseKey(data, password) })
}

// ReadIdentity reads a chain and its key, of two files or of one with both. It
// fails with [ReasonMismatch] if the key is not that of the first certificate.
func ReadIdentity(certificate, key string, password []byte) (*Identity, error) {
	chain, err := ReadCertificates(certificate)
	if err != nil {
		return nil, err
	}
	private, err := ReadKey(key, password)
	if err != nil {
		return nil, err
	}
	if !matches(private, chain[0].PublicKey) {
		return nil, &Error{Reason: ReasonMismatch, Path: path(key), Expected: fmt.Sprintf("the key of the certificate %q", path(certificate))}
	}
	return &Identity{Chain: chain, Key: private}, nil
}

// readWith parses a file, and adds its path to an error.
func readWith[T any](file string, parse func([]byte) (T, error)) (T, error) {
	data, err := ReadFile(file)
	if err != nil {
		var none T
		return none, err
	}
	value, err := parse(data)
	return value, at(path(file), err)
}
