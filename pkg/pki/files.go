package pki

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

// Files are the PEM files of one side of a connection whose TLS was agreed on
// beforehand, in place of the one-use certificates of AutoMTLS. A value is a
// path, "file://" and a path, or what such a file holds. Nothing is kept: each call reads the files.
type Files struct {
	// Certificate holds the certificate to show, first, and those that lead from
	// it to its authority. Key holds its private key, unencrypted. Both are set
	// or neither.
	Certificate, Key string
	// CA holds the certificates of the authorities that the other side's
	// certificate must come from.
	CA string
}

// ServerTLS returns the configuration of a plugin. With a CA the host has to
// show a certificate that comes from it, without one none is asked for. The
// certificate and its key are needed.
//
// It does for brokered connections in the other direction, too: the host's
// certificate has to go by the name "localhost" there, and come from CA, or
// without one from an authority of the system. The errors are of type
// [*FileError].
func (f Files) ServerTLS() (*tls.Config, error) {
	if f.Certificate == "" {
		return nil, &FileError{Reason: FileUnset, Setting: settingCertificate}
	}
	return f.config(host)
}

// ClientTLS returns the configuration of a host. The plugin's certificate has to
// go by serverName, "" for "localhost", and come from CA, or without one from an
// authority of the system. Without a certificate of its own the host shows none,
// and cannot serve brokered connections.
//
// For those it does as ServerTLS does. The errors are of type [*FileError].
func (f Files) ClientTLS(serverName string) (*tls.Config, error) {
	if serverName == "" {
		serverName = host
	}
	return f.config(serverName)
}

// config is that of either side, as each is a server of the broker's, and a
// client.
func (f Files) config(serverName string) (*tls.Config, error) {
	config := &tls.Config{ServerName: serverName, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	now := time.Now()
	if f.Certificate != "" || f.Key != "" {
		own, err := f.identity(now)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	if f.CA != "" {
		authorities, err := f.authorities(now)
		if err != nil {
			return nil, err
		}
		config.RootCAs, config.ClientCAs = authorities, authorities
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// identity reads the certificate and its key.
func (f Files) identity(now time.Time) (tls.Certificate, error) {
	chain, err := readCertificates(settingCertificate, f.Certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := checkDates(chain[0], now); err != nil {
		return tls.Certificate{}, &FileError{Reason: FileDates, Setting: settingCertificate, Path: plainPath(f.Certificate), Err: err}
	}
	key, err := readKey(settingKey, f.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if public, ok := key.Public().(publicKey); !ok || !public.Equal(chain[0].PublicKey) {
		return tls.Certificate{}, &FileError{Reason: FileMismatch, Setting: settingKey, Path: plainPath(f.Key), Expected: "the key of the certificate in " + cmp.Or(plainPath(f.Certificate), "PEM form")}
	}
	own := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, certificate := range chain {
		own.Certificate = append(own.Certificate, certificate.Raw)
	}
	return own, nil
}

// authorities reads the CA, of which one has to be valid now.
func (f Files) authorities(now time.Time) (*x509.CertPool, error) {
	all, err := readCertificates(settingCA, f.CA)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(ca *x509.Certificate) bool { return checkDates(ca, now) == nil }) {
		return nil, &FileError{Reason: FileDates, Setting: settingCA, Path: plainPath(f.CA), Err: checkDates(all[0], now)}
	}
	pool := x509.NewCertPool()
	for _, ca := range all {
		pool.AddCert(ca)
	}
	return pool, nil
}

// plainPath takes the scheme from a path; "" stands for what is no path.
func plainPath(path string) string {
	if Inline(path) {
		return ""
	}
	return strings.TrimPrefix(path, "file://")
}

// Inline reports whether a value of [Files] is not a path, but what a file would
// hold: it may be a secret, then.
func Inline(value string) bool { return strings.Contains(value, "-----BEGIN ") }
