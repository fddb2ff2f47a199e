package certs

import (
	"crypto"
	_ "crypto/sha1" // it names a certificate for people, and protects nothing
	"crypto/sha256"
	"crypto/x509"
	"strings"

	"go.step.sm/crypto/fingerprint"
)

// A Digest says what a fingerprint is made of.
type Digest string

// The digests.
const (
	// DigestSHA256 is of the certificate; it is the default.
	DigestSHA256 Digest = "sha256"
	// DigestSHA1 is of the certificate, as older tools show it.
	DigestSHA1 Digest = "sha1"
	// DigestSPKI is the SHA-256 of the public key, which stays when a certificate
	// is renewed with its key.
	DigestSPKI Digest = "spki"
)

// A Format says how a fingerprint is written.
type Format string

// The formats.
const (
	// FormatHex is lower case, without separators; it is the default.
	FormatHex Format = "hex"
	// FormatColon is upper case with colons, as openssl writes it.
	FormatColon Format = "colon"
	// FormatBase64 is standard base64 with padding, as pins are written.
	FormatBase64 Format = "base64"
)

// Fingerprint returns a fingerprint of a certificate. An empty digest or format
// is the default. It fails with [ReasonFormat].
func Fingerprint(certificate *x509.Certificate, digest Digest, format Format) (string, error) {
	data, hash := certificate.Raw, crypto.SHA256
	switch digest {
	case DigestSHA256, "":
	case DigestSPKI:
		data = certificate.RawSubjectPublicKeyInfo
	case DigestSHA1:
		hash = crypto.SHA1
	default:
		return "", &Error{Reason: ReasonFormat, Found: shorten(string(digest)), Expected: "one of sha256, sha1, spki"}
	}
	encoding := fingerprint.HexFingerprint
	switch format {
	case FormatHex, FormatColon, "":
	case FormatBase64:
		encoding = fingerprint.Base64Fingerprint
	default:
		return "", &Error{Reason: ReasonFormat, Found: shorten(string(format)), Expected: "one of hex, colon, base64"}
	}
	text, err := fingerprint.New(data, hash, encoding)
	if err != nil {
		return "", &Error{Reason: ReasonGenerate, Err: err} // a build without SHA-1
	}
	if format == FormatColon {
		text = colons(text)
	}
	return text, nil
}

func sum256(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// colons writes hexadecimal as openssl does.
func colons(text string) string {
	pairs := make([]string, 0, len(text)/2)
	for i := 0; i+2 <= len(text); i += 2 {
		pairs = append(pairs, strings.ToUpper(text[i:i+2]))
	}
	return strings.Join(pairs, ":")
}
