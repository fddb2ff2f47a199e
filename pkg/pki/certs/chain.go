package certs

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// SortChain returns certificates leaf first: the first one given, then its
// issuer, and so on to the root if it is there, and then those that do not
// belong to the chain, in their order.
func SortChain(given []*x509.Certificate) []*x509.Certificate {
	if len(given) == 0 {
		return nil
	}
	chain, rest := []*x509.Certificate{given[0]}, slices.Clone(given[1:])
	for {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(rest, func(c *x509.Certificate) bool { return issued(c, last) && !bytes.Equal(c.Raw, last.Raw) })
		if next < 0 || bytes.Equal(last.RawSubject, last.RawIssuer) {
			return append(chain, rest...)
		}
		chain, rest = append(chain, rest[next]), slices.Delete(rest, next, next+1)
	}
}

// issued says whether issuer signed the certificate.
func issued(issuer, certificate *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, certificate.RawIssuer) && signedBy(certificate, issuer)
}

// disorder returns the first certificate of a chain that is not the issuer of
// the one before it while another one is, or -1.
func disorder(chain []*x509.Certificate) int {
	for i := range len(chain) - 1 {
		own := func(c *x509.Certificate) bool { return issued(c, chain[i]) }
		if !own(chain[i+1]) && (slices.ContainsFunc(chain[:i], own) || slices.ContainsFunc(chain[i+1:], own)) {
			return i + 1
		}
	}
	// An authority ahead of what it issued is no leaf.
	if len(chain) > 1 && !issued(chain[1], chain[0]) && issued(chain[0], chain[1]) {
		return 0
	}
	return -1
}
