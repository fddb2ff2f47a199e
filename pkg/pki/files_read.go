package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// keyType is how the label of every private key in PEM form ends.
const keyType = "PRIVATE KEY"

// publicKey is what all public keys of the standard library are.
type publicKey interface {
	Equal(other crypto.PublicKey) bool
}

// readBlocks reads the PEM blocks of a file whose label is fit, and at least
// one. expected says what they are.
func readBlocks(setting, path, expected string, fit func(label string) bool) ([]*pem.Block, error) {
	if path == "" {
		return nil, &FileError{Reason: FileUnset, Setting: setting}
	}
	rest, inline := []byte(path), Inline(path)
	path = plainPath(path)
	if !inline {
		var err error
		if rest, err = os.ReadFile(path); err != nil {
			return nil, &FileError{Reason: FileUnreadable, Setting: setting, Path: path, Err: err}
		}
	}
	var fitting []*pem.Block
	other := ""
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if fit(block.Type) {
			fitting = append(fitting, block)
		} else {
			other = shorten(block.Type)
		}
	}
	if len(fitting) == 0 {
		return nil, &FileError{Reason: FileNoPEM, Setting: setting, Path: path, Found: other, Expected: expected}
	}
	return fitting, nil
}

// readCertificates reads the certificates of a file, at least one.
func readCertificates(setting, path string) ([]*x509.Certificate, error) {
	blocks, err := readBlocks(setting, path, "a block of type "+blockType, func(label string) bool { return label == blockType })
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for _, block := range blocks {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &FileError{Reason: FileDamaged, Setting: setting, Path: plainPath(path), Expected: "an X.509 certificate", Err: err}
		}
		all = append(all, certificate)
	}
	return all, nil
}

// readKey reads the first private key of a file: PKCS #8, PKCS #1 or SEC 1.
func readKey(setting, path string) (crypto.Signer, error) {
	blocks, err := readBlocks(setting, path, "a block of type "+keyType, func(label string) bool { return strings.HasSuffix(label, keyType) })
	if err != nil {
		return nil, err
	}
	block, path := blocks[0], plainPath(path)
	if strings.HasPrefix(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, &FileError{Reason: FileEncrypted, Setting: setting, Path: path}
	}
	var key any
	switch block.Type {
	case "EC " + keyType:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA " + keyType:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err == nil && !ok {
		err = errors.New("a key that cannot sign")
	}
	if err != nil {
		return nil, &FileError{Reason: FileDamaged, Setting: setting, Path: path, Expected: "an RSA, ECDSA or Ed25519 key", Err: err}
	}
	return signer, nil
}

// checkDates returns why a certificate is not valid at a time.
func checkDates(certificate *x509.Certificate, at time.Time) error {
	switch {
	case at.Before(certificate.NotBefore):
		return fmt.Errorf("valid from %q on", certificate.NotBefore.Format(time.RFC3339))
	case at.After(certificate.NotAfter):
		return fmt.Errorf("expired at %q", certificate.NotAfter.Format(time.RFC3339))
	default:
		return nil
	}
}
