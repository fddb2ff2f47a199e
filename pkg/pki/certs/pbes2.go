package certs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // to read what older tools wrote
	"crypto/pbkdf2"
	"crypto/sha1" // the default of PBKDF2, harmless there
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
)

// PBES2 of RFC 8018, with PBKDF2 and CBC: what openssl and most others write.
//
// pemutil encrypts (encode.go), and does not decrypt here: it takes each HMAC but
// SHA-256 for SHA-1, so that the right password is called wrong, refuses a key
// length that some tools write, sets no bound on iterations, and panics on an IV
// or on data of the wrong length. Once all of that is parsed and checked, what is
// left to do is a derivation and a CBC of the standard library.

// maxIterations keeps a hostile file from taking minutes.
const maxIterations = 10_000_000

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct {
	KDF    pkix.AlgorithmIdentifier
	Cipher pkix.AlgorithmIdentifier
}

type kdf struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	Hash       pkix.AlgorithmIdentifier `asn1:"optional"`
}

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

// hashOf returns the hash of an HMAC; "" is the default of the standard.
func hashOf(oid string) func() hash.Hash {
	switch oid {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	default:
		return nil
	}
}

// cipherOf returns a cipher and the size of its key in bytes.
func cipherOf(oid string) (func([]byte) (cipher.Block, error), int) {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return aes.NewCipher, 16
	case "2.16.840.1.101.3.4.1.22":
		return aes.NewCipher, 24
	case "2.16.840.1.101.3.4.1.42":
		return aes.NewCipher, 32
	case "1.2.840.113549.3.7":
		return des.NewTripleDESCipher, 24
	default:
		return nil, 0
	}
}

// isEncryptedPKCS8 tells it from the plain form, which begins with a version.
func isEncryptedPKCS8(der []byte) bool {
	var outer encryptedKey
	rest, err := asn1.Unmarshal(der, &outer)
	return err == nil && len(rest) == 0
}

// decryptPKCS8 returns the plain PKCS #8.
func decryptPKCS8(der, password []byte) ([]byte, error) {
	const expected = "an encrypted private key in PKCS #8 form"
	var outer encryptedKey
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return nil, broken(der, expected, err)
	}
	if oid := outer.Algorithm.Algorithm.String(); oid != oidPBES2 {
		return nil, &Error{Reason: ReasonCipher, Found: oid, Expected: "PBES2"}
	}
	var scheme pbes2
	if _, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, &Error{Reason: ReasonDamaged, Expected: expected, Err: err}
	}
	block, err := scheme.block(password)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, &Error{Reason: ReasonDamaged, Expected: expected, Err: err}
	}
	size := block.BlockSize()
	if len(iv) != size || len(outer.Data) == 0 || len(outer.Data)%size != 0 {
		return nil, &Error{Reason: ReasonDamaged, Expected: expected}
	}
	plain := make([]byte, len(outer.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, outer.Data)
	return unpad(plain, size)
}

// block derives the key and makes the cipher of it.
func (s pbes2) block(password []byte) (cipher.Block, error) {
	if oid := s.KDF.Algorithm.String(); oid != oidPBKDF2 {
		return nil, &Error{Reason: ReasonCipher, Found: oid, Expected: "PBKDF2"}
	}
	var parameters kdf
	if _, err := asn1.Unmarshal(s.KDF.Parameters.FullBytes, &parameters); err != nil {
		return nil, &Error{Reason: ReasonDamaged, Expected: "parameters of PBKDF2", Err: err}
	}
	newHash := hashOf(parameters.Hash.Algorithm.String())
	if newHash == nil {
		return nil, &Error{Reason: ReasonCipher, Found: parameters.Hash.Algorithm.String(), Expected: "HMAC with SHA-1 or SHA-2"}
	}
	newCipher, size := cipherOf(s.Cipher.Algorithm.String())
	if newCipher == nil {
		return nil, &Error{Reason: ReasonCipher, Found: s.Cipher.Algorithm.String(), Expected: "AES or 3DES with CBC"}
	}
	if parameters.Iterations < 1 || parameters.Iterations > maxIterations {
		return nil, &Error{Reason: ReasonCipher, Expected: "1 to 10000000 iterations of PBKDF2"}
	}
	key, err := pbkdf2.Key(newHash, string(password), parameters.Salt, parameters.Iterations, size)
	if err != nil {
		return nil, &Error{Reason: ReasonCipher, Err: err}
	}
	return newCipher(key)
}

// unpad takes the padding off; a wrong password mostly shows there.
func unpad(plain []byte, size int) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > size || n > len(plain) {
		return nil, &Error{Reason: ReasonPassword}
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, &Error{Reason: ReasonPassword}
		}
	}
	return plain[:len(plain)-n], nil
}

// firstValue returns the first value of DER, or all of it.
func firstValue(der []byte) []byte {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(der, &first); err != nil {
		return der
	}
	return first.FullBytes
}
