package certs

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
)

// foreignKind returns the kind of key in a certificate, a request or a PKCS #8
// key, if that is well-formed and of a kind that the standard library does not
// parse; otherwise "".
func foreignKind(der []byte) string {
	type publicKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	var certificate struct {
		TBS struct {
			Version                           int `asn1:"optional,explicit,default:0,tag:0"`
			Serial, Signature, Issuer, Period asn1.RawValue
			Subject                           asn1.RawValue
			Key                               publicKey
		}
	}
	var request struct {
		TBS struct {
			Version int
			Subject asn1.RawValue
			Key     publicKey
		}
	}
	var private struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &certificate); err == nil {
		return foreignAlgorithm(certificate.TBS.Key.Algorithm)
	}
	if _, err := asn1.Unmarshal(der, &request); err == nil {
		return foreignAlgorithm(request.TBS.Key.Algorithm)
	}
	if _, err := asn1.Unmarshal(der, &private); err == nil {
		return foreignAlgorithm(private.Algorithm)
	}
	return ""
}

// foreignAlgorithm names a curve or an algorithm that is not among ours.
func foreignAlgorithm(a pkix.AlgorithmIdentifier) string {
	const elliptic = "1.2.840.10045.2.1"
	own := []string{
		"1.2.840.113549.1.1.1", "1.3.101.112", // RSA, Ed25519
		"1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35", // P-224 to P-521
	}
	oid := a.Algorithm.String()
	if oid == elliptic {
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(a.Parameters.FullBytes, &curve); err != nil {
			return "a curve without a name"
		}
		oid = curve.String()
	}
	if slices.Contains(own, oid) {
		return ""
	}
	return oid
}
