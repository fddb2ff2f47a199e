package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"

	"go.step.sm/crypto/keyutil"
)

// A KeyKind is an algorithm with its size or curve.
type KeyKind string

// The kinds of keys that are made and taken.
const (
	KeyP256    KeyKind = "p-256"
	KeyP384    KeyKind = "p-384"
	KeyP521    KeyKind = "p-521"
	KeyEd25519 KeyKind = "ed25519"
	KeyRSA2048 KeyKind = "rsa-2048"
	KeyRSA3072 KeyKind = "rsa-3072"
	KeyRSA4096 KeyKind = "rsa-4096"
)

// minRSA is the least size of an RSA key in bits, maxRSA the most that every
// TLS takes: crypto/tls ends there.
const (
	minRSA = 2048
	maxRSA = 8192
)

// KeyKinds returns all kinds, the default first.
func KeyKinds() []KeyKind {
	return []KeyKind{KeyP256, KeyP384, KeyP521, KeyEd25519, KeyRSA2048, KeyRSA3072, KeyRSA4096}
}

// ParseKeyKind reads a kind in any of the usual spellings: "p-256", "P256",
// "ecdsa-p256", "prime256v1", "rsa-2048", "rsa:2048", "RSA2048", "ed25519".
// "ecdsa" and "" stand for "p-256", "rsa" for "rsa-3072". It fails with
// [ReasonWeakKey] for RSA below 2048 bits and P-224, and [ReasonKeyKind].
func ParseKeyKind(given string) (KeyKind, error) {
	bare := strings.NewReplacer("-", "", ":", "", "_", "", " ", "").Replace(strings.ToLower(given))
	switch strings.TrimPrefix(bare, "ecdsa") {
	case "", "p256", "prime256v1", "secp256r1":
		return KeyP256, nil
	case "p384", "secp384r1":
		return KeyP384, nil
	case "p521", "secp521r1":
		return KeyP521, nil
	case "ed25519":
		return KeyEd25519, nil
	case "rsa2048":
		return KeyRSA2048, nil
	case "rsa", "rsa3072":
		return KeyRSA3072, nil
	case "rsa4096":
		return KeyRSA4096, nil
	case "rsa512", "rsa768", "rsa1024", "rsa1536", "p224", "secp224r1", "p192", "secp192r1":
		return "", &Error{Reason: ReasonWeakKey, Found: shorten(given), Expected: expectedKinds()}
	default:
		return "", &Error{Reason: ReasonKeyKind, Found: shorten(given), Expected: expectedKinds()}
	}
}

func expectedKinds() string {
	names := make([]string, 0, len(KeyKinds()))
	for _, kind := range KeyKinds() {
		names = append(names, string(kind))
	}
	return "one of " + strings.Join(names, ", ")
}

// NewKey makes a private key; "" is [KeyP256]. It fails with [ReasonKeyKind].
func NewKey(kind KeyKind) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch kind {
	case KeyP256, "":
		key, err = keyutil.GenerateSigner("EC", "P-256", 0)
	case KeyP384:
		key, err = keyutil.GenerateSigner("EC", "P-384", 0)
	case KeyP521:
		key, err = keyutil.GenerateSigner("EC", "P-521", 0)
	case KeyEd25519:
		key, err = keyutil.GenerateSigner("OKP", "Ed25519", 0)
	case KeyRSA2048:
		key, err = keyutil.GenerateSigner("RSA", "", 2048)
	case KeyRSA3072:
		key, err = keyutil.GenerateSigner("RSA", "", 3072)
	case KeyRSA4096:
		key, err = keyutil.GenerateSigner("RSA", "", 4096)
	default:
		return nil, &Error{Reason: ReasonKeyKind, Found: shorten(string(kind)), Expected: expectedKinds()}
	}
	if err != nil {
		return nil, &Error{Reason: ReasonGenerate, Err: err}
	}
	return key, nil
}

// CheckKey says whether a public key, or the public half of a private one, may
// be used: it fails with [ReasonWeakKey] for RSA below 2048 bits and P-224, and
// with [ReasonKeyKind] for RSA above 8192 bits, which crypto/tls refuses, and
// for what is neither RSA, ECDSA nor Ed25519.
func CheckKey(key any) error {
	if private, ok := key.(crypto.Signer); ok {
		key = private.Public()
	}
	found := keyFacts(key)
	name := found.String()
	switch {
	case found.Algorithm == "RSA" && found.Bits < minRSA, found.Curve == "P-224":
		return &Error{Reason: ReasonWeakKey, Found: name, Expected: expectedKinds()}
	case found.Algorithm == "RSA" && found.Bits <= maxRSA, found.Algorithm == "Ed25519":
		return nil
	case found.Curve == "P-256" || found.Curve == "P-384" || found.Curve == "P-521":
		return nil
	default:
		return &Error{Reason: ReasonKeyKind, Found: name, Expected: expectedKinds()}
	}
}

// KeyFacts are what can be told of a public key.
type KeyFacts struct {
	// Algorithm is "RSA", "ECDSA", "Ed25519", or the name of the Go type of
	// another kind.
	Algorithm string `json:"algorithm"`
	// Curve is "P-256" and so on; empty but for ECDSA.
	Curve string `json:"curve,omitempty"`
	// Bits is the size; 0 if it is not known.
	Bits int `json:"bits"`
}

// String is how people name the key: "RSA 2048", "ECDSA P-256", "Ed25519".
func (k KeyFacts) String() string {
	switch {
	case k.Curve != "":
		return k.Algorithm + " " + k.Curve
	case k.Algorithm == "RSA":
		return fmt.Sprintf("RSA %d", k.Bits)
	default:
		return k.Algorithm
	}
}

func keyFacts(public any) KeyFacts {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return KeyFacts{Algorithm: "RSA", Bits: public.N.BitLen()}
	case *ecdsa.PublicKey:
		return KeyFacts{Algorithm: "ECDSA", Curve: public.Params().Name, Bits: public.Params().BitSize}
	case ed25519.PublicKey:
		return KeyFacts{Algorithm: "Ed25519", Bits: 256}
	default:
		return KeyFacts{Algorithm: fmt.Sprintf("%T", public)}
	}
}

// matches says whether a private key belongs to a public one.
func matches(key crypto.Signer, public any) bool {
	return keyutil.VerifyPair(public, key) == nil
}
