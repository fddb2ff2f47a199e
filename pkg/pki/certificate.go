package pki

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// blockType is the label of a certificate in PEM form.
const blockType = "CERTIFICATE"

// EncodeField returns a certificate as the handshake line carries it: unpadded
// standard base64 of its DER, which every known host reads. Hosts of go-plugin
// fail on a padded one.
func EncodeField(der []byte) string {
	return base64.RawStdEncoding.EncodeToString(der)
}

// DecodeField reads the certificate field of a handshake line, padded or not.
// White space around it is dropped. It fails with [ReasonBase64] or
// [ReasonCertificate].
func DecodeField(field string) (*x509.Certificate, error) {
	field = strings.TrimSpace(field)
	const expected = "unpadded standard base64"
	if field == "" {
		return nil, &Error{Reason: ReasonBase64, Expected: expected + " of a certificate"}
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(field, "="), "=")
	der, err := base64.RawStdEncoding.DecodeString(bare)
	if err != nil {
		return nil, &Error{Reason: ReasonBase64, Found: shorten(field), Expected: expected, Err: err}
	}
	return ParseDER(der)
}

// ParseDER reads one certificate, with nothing after it. It fails with
// [ReasonCertificate].
func ParseDER(der []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{Reason: ReasonCertificate, Err: err}
	}
	return certificate, nil
}

// ParsePEM reads the first certificate of a text in PEM form, such as the value
// of PLUGIN_CLIENT_CERT. Line ends of any kind, indentation, text around the
// certificate and other blocks before it do no harm. It fails with [ReasonPEM]
// if there is none and [ReasonCertificate] if the first one is damaged.
func ParsePEM(text string) (*x509.Certificate, error) {
	rest := []byte(straighten(text))
	other := ""
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return nil, &Error{Reason: ReasonPEM, Found: shorten(other), Expected: "a block of type " + blockType}
		case block.Type == blockType:
			return ParseDER(block.Bytes)
		}
		other = block.Type
	}
}

// straighten returns the text with plain line ends and no space around lines.
func straighten(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
