package certs

import (
	"crypto/sha1" // it names a certificate for people, and protects nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"
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
	var sum []byte
	switch digest {
	case DigestSHA256, "":
		sum = sum256(certificate.Raw)
	case DigestSPKI:
		sum = sum256(certificate.RawSubjectPublicKeyInfo)
	case DigestSHA1:
		short := sha1.Sum(certificate.Raw)
		sum = short[:]
	default:
		return "", &Error{Reason: ReasonFormat, Found: shorten(string(digest)), Expected: "one of sha256, sha1, spki"}
	}
	switch format {
	case FormatHex, "":
		return hex.EncodeToString(sum), nil
	case FormatColon:
		return colons(sum), nil
	case FormatBase64:
		return base64.StdEncoding.EncodeToString(sum), nil
	default:
		return "", &Error{Reason: ReasonFormat, Found: shorten(string(format)), Expected: "one of hex, colon, base64"}
	}
}

func sum256(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

func colons(data []byte) string {
	pairs := make([]string, len(data))
	for i := range data {
		pairs[i] = strings.ToUpper(hex.EncodeToString(data[i : i+1]))
	}
	return strings.Join(pairs, ":")
}
